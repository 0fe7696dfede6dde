import { VtError } from '../../core/base/errors.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { NeededRoot } from '../../core/maintain/roots.ts';
import type { StoreJournals } from '../../core/store/journals.ts';
import { decodeJournalRecord } from './journal-records.ts';

/**
 * The trees that journals of mounts continue from. The archive may have removed them, or have them only as part of a merge.
 *
 * @throws {VtError} ECORRUPT if a journal cannot be read, so that its root is unknown; EUNSUPPORTED or the system's error
 */
export function* journalRoots(journals: StoreJournals | undefined): Generator<NeededRoot, void, undefined> {
  for (const { name, records } of journals?.look() ?? [])
    for (const payload of records) {
      const dirent = rootOf(payload, name);
      if (dirent !== undefined) yield { place: `the journal of a mount "${name}"`, dirent, merged: [], letGo: letGo(name) };
    }
}

function rootOf(payload: Uint8Array, name: string): DirDirent | undefined {
  try {
    const record = decodeJournalRecord(payload);
    if (record.kind === 'base') return record.root;
    return record.kind === 'root' ? record.ours : undefined;
  } catch (error) {
    throw new VtError('ECORRUPT', `gc: the journal of a mount "${name}" cannot be understood: ${errorText(error)}`, {
      cause: error,
      remedy: `nothing was removed; to give it up: ${letGo(name)}`,
    });
  }
}

/** The shell command that moves a journal aside. */
function letGo(file: string): string {
  return `gc --drop ${file.slice(0, file.lastIndexOf('.'))}`;
}
