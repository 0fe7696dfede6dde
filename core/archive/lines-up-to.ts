import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive, ArchiveEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';

/** All entries of an archive, forgotten ones included, oldest first. Forgotten entries after the newest kept one are left out. */
export async function linesOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<ArchiveEntry[]> {
  const lines: ArchiveEntry[] = [];
  for await (const entry of archive.entries({ ...options, withForgotten: true })) lines.push(entry);
  return lines.slice(0, lines.findLastIndex((line) => !isForgotten(line)) + 1);
}

/** Whether an entry is forgotten, and only shows the order of states. */
export function isForgotten({ isForgotten: isGone }: ArchiveEntry): boolean {
  return isGone === true;
}

/**
 * The lines up to the newest one that recorded a root, inclusive; all lines if none did.
 *
 * @param number - the number of the root's entry, if known
 */
export function linesUpTo(
  lines: readonly ArchiveEntry[],
  root: Dirent,
  number?: number,
): { readonly lines: readonly ArchiveLine[]; readonly isRecorded: boolean } {
  const text = textOf(root);
  const numbered = number === undefined ? -1 : lines.findIndex((line) => line.number === number && !isForgotten(line));
  const count = numbered >= 0 ? numbered + 1 : lines.findLastIndex(({ dirent }) => textOf(dirent) === text) + 1;
  return count === 0 ? { lines, isRecorded: false } : { lines: lines.slice(0, count), isRecorded: true };
}

/** The text of a root without its name, which is not compared. */
function textOf(root: Dirent): string {
  return formatDirent({ ...root, name: '' as Octets });
}
