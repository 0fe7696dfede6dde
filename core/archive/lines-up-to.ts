import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive, ArchiveEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';

/** All lines of an archive that show the order of states, oldest first, including forgotten ones. The last is the newest state. */
export async function linesOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<ArchiveEntry[]> {
  const lines: ArchiveEntry[] = [];
  for await (const entry of archive.entries({ ...options, withForgotten: true })) lines.push(entry);
  return lines.slice(0, lines.findLastIndex((line) => !isForgotten(line)) + 1);
}

/** Whether a line only shows the order of states. */
export function isForgotten({ isForgotten: isGone }: ArchiveEntry): boolean {
  return isGone === true;
}

/**
 * The lines that a root comes after: up to the newest that recorded it, or all of them where none did.
 *
 * @param number - which entry it is, where that is known
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

/** Of a root whose name is not that of any Dir. */
function textOf(root: Dirent): string {
  return formatDirent({ ...root, name: '' as Octets });
}
