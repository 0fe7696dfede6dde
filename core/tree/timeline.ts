import type { OpOptions } from '../store/store.ts';
import type { Archive, ArchiveEntry } from './archive.ts';
import { formatDirent } from './dirent-text.ts';

/**
 * The states that lead to an archive's newest one, oldest first: what `undo` walks back along. An entry that equals
 * an earlier state on the line is a return to it, so the line is cut back there, as an undo leaves it. The states
 * cut off stay in the archive.
 */
export async function timelineOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<ArchiveEntry[]> {
  const line: ArchiveEntry[] = [];
  const places = new Map<string, number>();
  const texts: string[] = [];
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
