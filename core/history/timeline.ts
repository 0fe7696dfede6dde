import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { isForgotten } from '../archive/lines-up-to.ts';
import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import { statedParent, stateId, statesBefore } from './ancestry.ts';
import { stateNoteOf } from './state-note.ts';

/** The state before the first entry of an archive: number 0, the empty tree. */
const BEFORE_ALL: ArchiveEntry = { number: 0, whenNs: 0n, dirent: EMPTY_ROOT };

/** The states around an archive's newest one. */
export interface Timeline {
  /**
   * The states that lead to the newest one, oldest first: `undo` walks back along them. The newest is the last. The first is the empty tree
   * (number 0), or the first state left if older ones were forgotten.
   */
  readonly line: readonly ArchiveEntry[];
  /** The undone states that no new state has replaced, in the order in which `redo` returns to them. */
  readonly ahead: readonly ArchiveEntry[];
  /** The newest entry as it was recorded; undefined in an empty archive. */
  readonly newest: ArchiveEntry | undefined;
}

interface State {
  readonly text: string;
  /** Its first entry, or a later return to it if that one is forgotten. */
  entry: ArchiveEntry;
  /** The times at which it was recorded: first, and by each return to it. */
  readonly times: Set<bigint>;
}

/**
 * Reconstructs the line of states from an archive.
 *
 * An undo or redo cuts the line back, or continues along the part that was cut off; its note says which state it returns to. Any other
 * entry is a new step, even if it equals an earlier state: whoever undoes a removal wants the removed things back. All states stay in the
 * archive. A forgotten state still shows the order but cannot be returned to.
 *
 * Early versions wrote no such notes. Of their entries, one that equals an earlier state on the line is a return to it. One that equals the
 * state cut off last is a redo.
 *
 * A step whose note names its parent follows that parent. States recorded between them were passed over, and are not on the line.
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
    // A state that another archive recorded first is a step here, whatever it was there.
    const note = statesBefore(entry) === undefined ? stateNoteOf(entry) : 'step';
    if (note === 'step') this.#step(state, statedParent(entry));
    else if (note === undefined) this.#addUnnoted(state);
    else this.#addAgain(state, note.againNs);
  }

  timeline(): Timeline {
    const entriesOf = (states: readonly State[]): ArchiveEntry[] => states.map(({ entry }) => entry).filter((entry) => !isForgotten(entry));
    // If earlier states were forgotten, the tree did not begin empty.
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
    // An undo may refer to the state by the time of this entry.
    state.times.add(entry.whenNs);
    if (isForgotten(state.entry)) state.entry = entry;
  }

  /** @param parent - the id of the state that it was made from, if its note names one */
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
