import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { NeededRoot } from '../../core/maintain/roots.ts';
import type { StoreJournals } from '../../core/store/journals.ts';
import { decodeJournalRecord } from './journal-records.ts';

/**
 * The trees that journals of mounts go on from. An archive need not have them any more, or may have them merged with others.
 *
 * @throws {ParseError} or {VtError} where a journal cannot be understood: what it needs is unknown
 */
export function* journalRoots(journals: StoreJournals | undefined): Generator<NeededRoot, void, undefined> {
  for (const { name, records } of journals?.look() ?? [])
    for (const payload of records) {
      const dirent = rootOf(payload);
      if (dirent !== undefined) yield { place: `the journal of a mount "${name}"`, dirent, merged: [] };
    }
}

function rootOf(payload: Uint8Array): DirDirent | undefined {
  const record = decodeJournalRecord(payload);
  if (record.kind === 'base') return record.root;
  return record.kind === 'root' ? record.ours : undefined;
}
