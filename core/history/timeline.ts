import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { isForgotten } from '../archive/lines-up-to.ts';
import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import { statedParent, stateId, statesBefore } from './ancestry.ts';
import { stateNoteOf } from './state-note.ts';

/** What is before the first entry of an archive: number 0, the empty tree. */
const BEFORE_ALL: ArchiveEntry = { number: 0, whenNs: 0n, dirent: EMPTY_ROOT };

/** The states around an archive's newest one. */
export interface Timeline {
  /**
   * Those that lead to it, oldest first, from the empty tree (number 0) on: what `undo` walks back along. The newest is the last. Where what followed
   * the empty tree was forgotten, the first that is left.
   */
  readonly line: readonly ArchiveEntry[];
  /** Those that were gone back from, and that nothing new has come after: what `redo` walks along, the next one first. */
  readonly ahead: readonly ArchiveEntry[];
  /** The newest entry as it was recorded; undefined where there is none. */
  readonly newest: ArchiveEntry | undefined;
}

interface State {
  readonly text: string;
  /** As it was recorded first; by a later return to it where that is forgotten. */
  entry: ArchiveEntry;
  /** When it was recorded, first and by each return to it. */
  readonly times: Set<bigint>;
}

/**
 * Gives the line of states from an archive. An undo or redo cuts the line back, or continues along what was cut off; its entry says which state it
 * is again. Any other entry is a step of its own, though it may equal an earlier one: who removed what was added last, and undoes that, wants it back.
 * All states stay in the archive. One that was forgotten says what followed what, and is nowhere to go to.
 *
 * An earlier version wrote entries without such a note. Of these, one that equals an earlier state on the line is a return to it.
 * One that equals the state which was cut off last is a redo.
 *
 * A step that says which state it was made of follows that one: what was recorded between them was passed over, and is not on the
 * line.
 *
 * @param options.upTo - the number of the entry that counts as the newest; default the last
 */
export async function timelineOf(
  archive: Pick<Archive, 'entries'>,
  options: OpOptions & { readonly upTo?: number | undefined } = {},
): Promise<Timeline> {
  const { signal, upTo = Number.POSITIVE_INFINITY } = options;
  const states = new States();
  for await (const entry of archive.entries({ signal, withForgotten: true })) {
    if (entry.number > upTo) break;
    states.add(entry);
  }
  return states.timeline();
}

class States {
  readonly #line: State[] = [stateOf(BEFORE_ALL)];
  #ahead: State[] = [];
  #newest: ArchiveEntry | undefined;

  add(entry: ArchiveEntry): void {
    if (!isForgotten(entry)) this.#newest = entry;
    const state = stateOf(entry);
    // What was recorded elsewhere first is a step here, whatever it was there.
    const note = statesBefore(entry) === undefined ? stateNoteOf(entry) : 'step';
    if (note === 'step') this.#step(state, statedParent(entry));
    else if (note === undefined) this.#addUnnoted(state);
    else this.#addAgain(state, note.againNs);
  }

  timeline(): Timeline {
    const entriesOf = (states: readonly State[]): ArchiveEntry[] => states.map(({ entry }) => entry).filter((entry) => !isForgotten(entry));
    // Nobody takes a tree whose earlier states are gone for one that was empty before.
    const isCutOff = this.#line[1] !== undefined && isForgotten(this.#line[1].entry);
    return { line: entriesOf(this.#line.slice(isCutOff ? 1 : 0)), ahead: entriesOf(this.#ahead), newest: this.#newest };
  }

  #addUnnoted(state: State): void {
    const place = this.#line.findLastIndex(({ text }) => text === state.text);
    if (place >= 0) {
      this.#goBack(place);
      this.#isAgain(state.entry);
    } else if (this.#ahead[0]?.text === state.text) {
      this.#line.push(state);
      this.#ahead = this.#ahead.slice(1);
    } else this.#step(state);
  }

  #addAgain(state: State, ofNs: bigint): void {
    const isIt = ({ text, times }: State): boolean => text === state.text && times.has(ofNs);
    const place = this.#line.findLastIndex(isIt);
    const ahead = this.#ahead.findIndex(isIt);
    if (place >= 0) this.#goBack(place);
    else if (ahead >= 0) {
      appendAll(this.#line, this.#ahead.slice(0, ahead + 1));
      this.#ahead = this.#ahead.slice(ahead + 1);
    } else {
      this.#step(state);
      return;
    }
    this.#isAgain(state.entry);
  }

  #isAgain(entry: ArchiveEntry): void {
    const state = this.#line.at(-1);
    if (state === undefined) return;
    // A reference to this entry means that state.
    state.times.add(entry.whenNs);
    if (isForgotten(state.entry)) state.entry = entry;
  }

  /** @param parent - the id of the state that it was made of, where it says so */
  #step(state: State, parent?: string): void {
    const place = parent === undefined ? -1 : this.#line.findLastIndex(({ entry }) => stateId(entry) === parent);
    if (place >= 0) this.#line.splice(place + 1);
    this.#line.push(state);
    this.#ahead = [];
  }

  #goBack(place: number): void {
    this.#ahead = [...this.#line.splice(place + 1), ...this.#ahead];
  }
}

function stateOf(entry: ArchiveEntry): State {
  return { text: formatDirent(entry.dirent), entry, times: new Set([entry.whenNs]) };
}
