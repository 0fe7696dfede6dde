import { VtError } from '../../core/base/errors.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { LeftJournal } from '../../core/store/journals.ts';
import type { JournalChange, JournalRecord, RootMark } from './journal-records.ts';
import { decodeJournalRecord } from './journal-records.ts';

/** Changes in a journal that no recorded root includes. */
export interface LeftChanges {
  readonly archive: string;
  /** The tree to which the changes were made. */
  readonly base: DirDirent;
  readonly changes: readonly JournalChange[];
}

/**
 * Reads a journal whose process is dead.
 *
 * @param isRecorded - whether the archive has the line of this root
 * @returns undefined if recorded roots include all its changes
 * @throws {ParseError} or {VtError} ECORRUPT if it cannot be read
 */
export async function leftChanges(
  { files }: LeftJournal,
  isRecorded: (archive: string, mark: RootMark) => Promise<boolean>,
): Promise<LeftChanges | undefined> {
  const read = files.map(({ records, isWhole }) => ({ records: records.map(decodeJournalRecord), isWhole }));
  const archive = read.flatMap(({ records }) => records).find((record) => record.kind === 'start')?.archive;
  // The process was killed before it had reported any change as durable.
  if (archive === undefined) return undefined;
  for (let at = read.length - 1; at >= 0; at--) {
    const { records } = read[at] ?? { records: [] };
    const mark = last(records, 'root');
    if (mark !== undefined && (await isRecorded(archive, mark))) return changesFrom(read.slice(at + 1), archive, mark.ours);
    const base = last(records, 'base');
    if (base !== undefined) return changesFrom(read.slice(at), archive, base.root);
  }
  throw new VtError('ECORRUPT', `read the journal of a mount of archive "${archive}": it does not name the root that it continues`);
}

interface ReadFile {
  readonly records: readonly JournalRecord[];
  readonly isWhole: boolean;
}

/** @param files - files from the one that names its root on; changes after a lost part cannot be applied */
function changesFrom(files: readonly ReadFile[], archive: string, base: DirDirent): LeftChanges | undefined {
  const gap = files.findIndex(({ isWhole }) => !isWhole);
  const upToGap = gap < 0 ? files : files.slice(0, gap + 1);
  const changes = upToGap.flatMap(({ records }) => records).flatMap((record) => (record.kind === 'changes' ? record.changes : []));
  return changes.length === 0 ? undefined : { archive, base, changes };
}

function last<Kind extends JournalRecord['kind']>(
  records: readonly JournalRecord[],
  kind: Kind,
): Extract<JournalRecord, { readonly kind: Kind }> | undefined {
  return records.findLast((record): record is Extract<JournalRecord, { readonly kind: Kind }> => record.kind === kind);
}
