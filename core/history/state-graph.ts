import type { ArchiveLine } from '../archive/archive-line.ts';
import { appendAll } from '../base/lists.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { TreePath } from '../tree/path.ts';
import { contentId, mergedStates, statedParent, stateId, statesBefore } from './ancestry.ts';
import { stateNoteOf } from './state-note.ts';

/** A state in a graph of states. */
export interface GraphState {
  readonly id: string;
  /** Undefined for one that is known by its id alone. */
  readonly state: { readonly whenNs: bigint | undefined; readonly dirent: Dirent } | undefined;
}

/**
 * Which states come before which, as the lines of archives tell. Each comes after the one on the line before, after states merged
 * into it, and after those that its notes name.
 *
 * A return to an earlier state comes after all states that were made here, since it is to undo them everywhere. It does not come after
 * what was merged or pulled in between: that was given back, and can be merged again.
 *
 * So a state may come after a merge and not after what was merged. The states that notes name as earlier are all that there are:
 * what those come after counts only where it is named too. So with a merge: it names all that came with the merged state, and a merge among
 * that may have been given back before.
 */
export class StateGraph {
  readonly #parents = new Map<string, Set<string>>();
  /** States that another comes after, though not for that after what those come after. */
  readonly #alone = new Map<string, Set<string>>();
  /** What a merge noted of a state that was merged: it counts where no line reports that state. */
  readonly #noted = new Map<string, Set<string>>();
  readonly #states = new Map<string, GraphState['state']>();
  /** Texts of trees that were merged and that nobody had recorded: states of the same text are these. */
  readonly #unrecorded = new Set<string>();
  #archives = 0;

  /**
   * Adds the lines of an archive, oldest first.
   *
   * @param path - the Dir of theirs that other trees were merged into
   * @returns the id of the last
   */
  add(lines: readonly ArchiveLine[], path: TreePath): string | undefined {
    const archive = this.#archives++;
    const recorded = new Map<string, string>();
    for (const line of lines)
      for (const { whenNs, dirent } of mergedStates(line)) if (whenNs === undefined) this.#unrecorded.add(formatDirent(dirent));
    let before: string | undefined;
    for (const [i, line] of lines.entries()) {
      const id = stateId(line);
      const text = formatDirent(line.dirent);
      const note = stateNoteOf(line);
      this.#states.set(id, line);
      const elsewhere = statesBefore(line);
      const own = ownKey(archive, i);
      if (typeof note === 'object' && elsewhere === undefined)
        addTo(this.#parents, id, [...some(recorded.get(`${note.againNs} ${text}`)), ...(i === 0 ? [] : [ownKey(archive, i - 1)])]);
      else {
        addTo(this.#parents, id, some(statedParent(line) ?? before));
        addTo(this.#alone, id, this.#merged(line, path));
      }
      addTo(this.#alone, id, elsewhere ?? []);
      this.#parents.set(own, new Set(i === 0 ? [] : [ownKey(archive, i - 1)]));
      if (elsewhere === undefined) addTo(this.#alone, own, [id]);
      if (this.#unrecorded.has(text)) addTo(this.#parents, id, [contentId(line.dirent)]);
      recorded.set(`${line.whenNs} ${text}`, id);
      before = id;
    }
    return before;
  }

  /** Adds a state that is not recorded, or one that is made of others. */
  addState(dirent: Dirent, parents: readonly string[]): string {
    const id = parents.length === 0 ? contentId(dirent) : `made of ${parents.join(' ')} ${contentId(dirent)}`;
    this.#states.set(id, { whenNs: undefined, dirent });
    addTo(this.#parents, id, parents);
    return id;
  }

  /** A state by its id. */
  state(id: string): GraphState['state'] {
    return this.#states.get(id);
  }

  /** The ids of a state and of all that come before it. */
  upTo(id: string): Set<string> {
    return this.#reach([id]);
  }

  /** Of the states that come before both of two, those that come before no other such. @param counts - leaves some out */
  bestCommon(one: string, other: string, counts: (id: string) => boolean = () => true): string[] {
    const others = this.upTo(other);
    const common = [...this.upTo(one)].filter((id) => others.has(id) && !id.startsWith(OWN) && counts(id));
    const earlier = this.#reach(common.flatMap((id) => [...this.#parentsOf(id)]));
    for (const id of common) for (const alone of this.#alone.get(id) ?? []) earlier.add(alone);
    return common.filter((id) => !earlier.has(id));
  }

  #reach(from: readonly string[]): Set<string> {
    const found = new Set(from);
    const ahead = [...from];
    const entered = new Set<string>();
    for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
      if (entered.has(id)) continue;
      entered.add(id);
      found.add(id);
      for (const alone of this.#alone.get(id) ?? []) found.add(alone);
      appendAll(ahead, this.#parentsOf(id));
    }
    return found;
  }

  #parentsOf(id: string): Iterable<string> {
    return this.#parents.get(id) ?? (this.#alone.has(id) ? [] : (this.#noted.get(id) ?? []));
  }

  /** States that were merged into that of a line, and what those come after. */
  #merged(line: ArchiveLine, path: TreePath): string[] {
    const ids: string[] = [];
    for (const merged of mergedStates(line)) {
      if (merged.path !== path) continue;
      const { whenNs, dirent, after } = merged;
      const id = whenNs === undefined ? contentId(dirent) : stateId({ whenNs, dirent });
      if (this.#states.get(id) === undefined) this.#states.set(id, merged);
      addTo(this.#noted, id, after);
      ids.push(id);
      appendAll(ids, after);
    }
    return ids;
  }
}

/** What the states that were made in an archive are known by, together: up to a line. */
const OWN = 'own ';

function ownKey(archive: number, line: number): string {
  return `${OWN}${archive} ${line}`;
}

function addTo(map: Map<string, Set<string>>, id: string, states: readonly string[]): void {
  // Who had one state recorded twice at one time has made it of itself.
  const others = states.filter((state) => state !== id);
  const known = map.get(id);
  if (known === undefined && others.length > 0) map.set(id, new Set(others));
  else for (const state of others) known?.add(state);
}

function some(id: string | undefined): string[] {
  return id === undefined || id === '' ? [] : [id];
}
