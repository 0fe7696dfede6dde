import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';

/** All lines of an archive, oldest first. */
export async function linesOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<ArchiveLine[]> {
  const lines: ArchiveLine[] = [];
  for await (const entry of archive.entries(options)) lines.push(entry);
  return lines;
}

/**
 * The lines that a root comes after: up to the newest that recorded it, or all of them where none did.
 *
 * @param number - which line it is, where that is known: 1 for the oldest
 */
export function linesUpTo(
  lines: readonly ArchiveLine[],
  root: Dirent,
  number?: number,
): { readonly lines: readonly ArchiveLine[]; readonly isRecorded: boolean } {
  const text = textOf(root);
  const count = number ?? lines.findLastIndex(({ dirent }) => textOf(dirent) === text) + 1;
  return count === 0 ? { lines, isRecorded: false } : { lines: lines.slice(0, count), isRecorded: true };
}

/** Of a root whose name is not that of any Dir. */
function textOf(root: Dirent): string {
  return formatDirent({ ...root, name: '' as Octets });
}
