import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive, ArchiveEntry } from './archive.ts';

/**
 * Gives an archive the entries that another has after its newest one. Of an archive with entries of its own, those of a
 * later date are taken: none is dated back.
 *
 * @param previous - the entry of `from` before its newest, where the caller knows it: mostly that is all that `to` has
 * @returns the newest entry that `to` had, where `from` has it not
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
    // Somebody else has appended to it: the next time continues from there.
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

/** Whether two are one entry: of one time and one root. */
function isSame(a: ArchiveEntry | undefined, b: ArchiveEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.whenNs === b.whenNs && formatDirent(a.dirent) === formatDirent(b.dirent);
}
