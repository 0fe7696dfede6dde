import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import type { Archive, ArchiveEntry } from './archive.ts';

/** What stands before the first entry of an archive: number 0, the empty tree. */
const BEFORE_ALL: ArchiveEntry = { number: 0, whenNs: 0n, dirent: EMPTY_ROOT };

/** The states around an archive's newest one. */
export interface Timeline {
  /** Those that lead to it, oldest first, from the empty tree (number 0) on: what `undo` walks back along. The newest is the last. */
  readonly line: readonly ArchiveEntry[];
  /** Those that were gone back from, and that nothing new has come after: what `redo` walks along, the next one first. */
  readonly ahead: readonly ArchiveEntry[];
  /** The newest entry as it was recorded; undefined where there is none. */
  readonly newest: ArchiveEntry | undefined;
}

interface State {
  readonly text: string;
  readonly entry: ArchiveEntry;
}

/**
 * Tells the line of states from an archive. An entry that equals an earlier state on the line is a return to it, so the line is
 * cut back there, as an undo leaves it; an entry that equals the state which was cut off last is a redo. All states stay in the archive.
 */
export async function timelineOf(archive: Pick<Archive, 'entries'>, options: OpOptions = {}): Promise<Timeline> {
  const line: State[] = [{ text: formatDirent(BEFORE_ALL.dirent), entry: BEFORE_ALL }];
  const places = new Map(line.map(({ text }, place) => [text, place]));
  let ahead: State[] = [];
  let newest: ArchiveEntry | undefined;
  for await (const entry of archive.entries(options)) {
    newest = entry;
    const text = formatDirent(entry.dirent);
    const place = places.get(text);
    if (place === undefined) {
      ahead = ahead[0]?.text === text ? ahead.slice(1) : [];
      places.set(text, line.length);
      line.push({ text, entry });
    } else {
      const dropped = line.splice(place + 1);
      for (const state of dropped) places.delete(state.text);
      ahead = [...dropped, ...ahead];
    }
  }
  return { line: line.map(({ entry }) => entry), ahead: ahead.map(({ entry }) => entry), newest };
}
