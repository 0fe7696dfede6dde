import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive, ArchiveEntry } from './archive.ts';

/**
 * Appends to `to` the entries of `from` after the newest that both have. If the newest entry of `to` is not in `from`, only entries of
 * `from` with a later time are appended: times never decrease.
 *
 * @param previous - the entry of `from` before its newest, if known. If it is the newest of `to`, `from` need not be read
 * @returns the newest entry that `to` had, if `from` lacks it
 */
export async function catchUp(
  from: Archive,
  to: Archive,
  previous: ArchiveEntry | undefined,
  options: OpOptions,
): Promise<ArchiveEntry | undefined> {
  const newest = await from.last(options);
  let have = await to.last(options);
  if (newest === undefined || isSame(newest, have)) return undefined;
  const isOneBehind = previous !== undefined && isSame(previous, have);
  const { missing, isStrange } = isOneBehind ? { missing: [newest], isStrange: false } : await entriesAfter(from, have, options);
  const strange = isStrange ? have : undefined;
  for (const entry of missing) {
    const expected = have;
    have = await to.append(async (last) => await Promise.resolve(isSame(expected, last) ? entry : undefined), options);
    // Another process has appended meanwhile. The next call continues from there.
    if (have === undefined) break;
  }
  return strange;
}

async function entriesAfter(
  from: Archive,
  have: ArchiveEntry | undefined,
  options: OpOptions,
): Promise<{ readonly missing: readonly ArchiveEntry[]; readonly isStrange: boolean }> {
  const all: ArchiveEntry[] = [];
  let after = have === undefined ? 0 : undefined;
  for await (const entry of from.entries(options)) {
    all.push(entry);
    if (isSame(entry, have)) after = all.length;
  }
  if (after !== undefined) return { missing: all.slice(after), isStrange: false };
  return { missing: all.filter(({ whenNs }) => have !== undefined && whenNs > have.whenNs), isStrange: true };
}

/** Whether two entries have the same time and root. */
function isSame(a: ArchiveEntry | undefined, b: ArchiveEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.whenNs === b.whenNs && formatDirent(a.dirent) === formatDirent(b.dirent);
}
