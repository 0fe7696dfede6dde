import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive, ArchiveEntry } from './archive.ts';

/** The tree before anything was recorded. */
const EMPTY_ROOT: DirDirent = { kind: 'dir', name: '' as Octets, meta: {}, block: EMPTY_BLOCK };

/** What stands before the first entry of an archive: number 0, the empty tree. */
const BEFORE_ALL: ArchiveEntry = { number: 0, whenNs: 0n, dirent: EMPTY_ROOT };

/**
 * The states that lead to an archive's newest one, oldest first, from the empty tree (number 0) on: what `undo` walks
 * back along. An entry that equals an earlier state on the line is a return to it, so the line is cut back there, as
 * an undo leaves it. The states cut off stay in the archive.
 */
export async function timelineOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<ArchiveEntry[]> {
  const line = [BEFORE_ALL];
  const texts = [formatDirent(EMPTY_ROOT)];
  const places = new Map(texts.map((text, place) => [text, place]));
  for await (const entry of archive.entries(options)) {
    const text = formatDirent(entry.dirent);
    const place = places.get(text);
    if (place !== undefined) {
      for (const dropped of texts.splice(place + 1)) places.delete(dropped);
      line.length = place + 1;
    } else {
      places.set(text, line.length);
      texts.push(text);
      line.push(entry);
    }
  }
  return line;
}
