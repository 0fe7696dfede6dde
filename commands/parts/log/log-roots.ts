import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { authorOf } from '../../../core/archive/author-notes.ts';
import { marksOf } from '../../../core/archive/mark-notes.ts';
import { formatStateTime } from '../../../core/base/date.ts';
import { VtError } from '../../../core/base/errors.ts';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import { appendAll } from '../../../core/base/lists.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { mergedStates } from '../../../core/history/ancestry.ts';
import type { DiffItem } from '../../../core/tree/diff/diff.ts';
import { diffDirents } from '../../../core/tree/diff/diff.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { octetsFields, sizeText, timeText } from '../format.ts';
import { OutputTurns } from '../output-turns.ts';
import { printMessage, stateColumns } from './state-words.ts';

/** Differences of one root that are counted; beyond that, "and more" is printed. */
const MAX_NAMES = 10_000;

/** The changes of a root since the one before. */
interface RootChanges {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Bytes of added files and of files with changed content. */
  readonly bytes: number;
  /** The first path that differs. */
  readonly first: TreePath | undefined;
  /** Whether there are more than were counted. */
  readonly isMore: boolean;
}

/**
 * Prints recorded roots, newest first, each with its changes since the root before.
 *
 * @param entries - of the archive, newest first
 * @param limit - roots to print, at most
 * @param after - the number of a root that is only compared with
 * @param long - print whole Dirrefs, without changes
 */
export async function logRoots(
  context: TreeContext,
  entries: AsyncIterable<ArchiveEntry>,
  { limit, after, long }: { readonly limit: number; readonly after: number; readonly long: boolean },
): Promise<void> {
  const turns = new OutputTurns(context);
  let shown = 0;
  // An entry is printed once the entry before it in time is known.
  let entry: ArchiveEntry | undefined;
  const showOne = async (before: ArchiveEntry | undefined): Promise<void> => {
    if (entry === undefined || entry.number <= after || entry.dirent.kind === 'indirect') return;
    shown++;
    await turns.next();
    const { dirent } = entry;
    const root = before?.dirent.kind === 'dir' ? before.dirent : undefined;
    const changes = long || dirent.kind !== 'dir' ? undefined : await changesOf(context, root, dirent);
    show(context, entry, changes, long);
  };
  for await (const before of entries) {
    if (shown >= limit) return;
    await showOne(before);
    entry = before;
  }
  if (shown < limit) await showOne(undefined);
}

/** Counts the changes between two roots. @returns `unknown` if a Block needed for that is missing or damaged */
async function changesOf(
  { session, signal }: TreeContext,
  before: DirDirent | undefined,
  after: DirDirent,
): Promise<RootChanges | 'unknown'> {
  const counts = { added: 0, removed: 0, changed: 0, bytes: 0 };
  let first: TreePath | undefined;
  let touched: TreePath | undefined;
  let touchedCount = 0;
  let seen = 0;
  try {
    for await (const item of diffDirents(session.tree.store, before, after, { signal })) {
      // The top Dir always exists.
      if (item.path === '/') continue;
      if (++seen > MAX_NAMES) break;
      // The mtime of a Dir changes with its entries, which are counted themselves.
      if (item.kind === 'changed' && item.after.kind === 'dir') {
        touched ??= item.path;
        touchedCount++;
        continue;
      }
      first ??= item.path;
      counts[item.kind]++;
      counts.bytes += newBytes(item);
    }
  } catch (error) {
    if (error instanceof VtError && ['EMISSING', 'ECORRUPT', 'EPARSE'].includes(error.code)) return 'unknown';
    throw error;
  }
  if (first === undefined) return { ...counts, changed: touchedCount, first: touched, isMore: seen > MAX_NAMES };
  return { ...counts, first, isMore: seen > MAX_NAMES };
}

function newBytes(item: DiffItem): number {
  if (item.kind === 'removed' || (item.kind === 'changed' && !item.content)) return 0;
  return item.after.kind === 'file' ? item.after.block.span : 0;
}

function show({ output }: TreeContext, entry: ArchiveEntry, changes: RootChanges | 'unknown' | undefined, long: boolean): void {
  const { number, whenNs, dirent, notes } = entry;
  if (dirent.kind === 'indirect') return;
  const { host, user, command, message } = authorOf(notes);
  const { tags, isProtected } = marksOf(entry);
  const reference = formatDirent(dirent);
  output.record({
    number,
    when: timeText(whenNs),
    ...octetsFields('name', dirent.name),
    reference,
    ...(changes === undefined ? {} : changes === 'unknown' ? { changes: 'unknown' } : changesRecord(changes)),
    ...(mergedStates(entry).length === 0
      ? {}
      : { merges: mergedStates(entry).map(({ whenNs: ns }) => (ns === undefined ? null : timeText(ns))) }),
    host,
    user,
    commands: command,
    message,
    ...(tags.length === 0 ? {} : { tags }),
    ...(isProtected ? { protected: true } : {}),
  });
  const columns = [`@${number}`.padEnd(5), formatStateTime(whenNs)];
  if (long) columns.push(output.style('ref', reference));
  else if (changes === 'unknown') columns.push('changes unknown: Blocks are missing');
  else if (changes !== undefined) {
    columns.push(changesText(changes));
    if (changes.first !== undefined) columns.push(output.name(changes.first));
  }
  appendAll(columns, stateColumns(output, entry));
  output.line(columns.join('  '));
  for (const { whenNs: mergedNs, path } of mergedStates(entry))
    output.line(
      `       merges ${mergedNs === undefined ? 'a tree that was not recorded' : `the state of ${formatStateTime(mergedNs)}`}${path === '/' ? '' : ` into ${output.name(path)}`}`,
    );
  printMessage(output, entry);
}

function changesRecord({ added, removed, changed, bytes, first, isMore }: RootChanges): Record<string, unknown> {
  return {
    added,
    removed,
    changed,
    new_bytes: bytes,
    ...(isMore ? { more: true } : {}),
    ...(first === undefined ? {} : octetsFields('first', first)),
  };
}

/** `+12 -1 ~3 1.2M`: names added, removed, changed, and the bytes of new content. */
function changesText({ added, removed, changed, bytes, isMore }: RootChanges): string {
  const parts = [
    ...(added > 0 ? [`+${groupedDigits(added)}`] : []),
    ...(removed > 0 ? [`-${groupedDigits(removed)}`] : []),
    ...(changed > 0 ? [`~${groupedDigits(changed)}`] : []),
    ...(isMore ? ['and more'] : []),
    ...(bytes > 0 ? [sizeText(bytes)] : []),
  ];
  return parts.length === 0 ? 'the same names' : parts.join(' ');
}
