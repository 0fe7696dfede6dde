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
  /** The state itself; undefined if only its id is known. */
  readonly state: { readonly whenNs: bigint | undefined; readonly dirent: Dirent } | undefined;
}

/**
 * The order of states, built from the lines of archives. A state comes after the state on the line above, after the states merged into it,
 * and after those that its notes name.
 *
 * A return to an earlier state (undo) comes after all states that were made here, since it is meant to undo them everywhere. It does not
 * come after states that were merged or pulled in between: the undo gave them back, so they can be merged again.
 *
 * So a state may come after a merge without coming after the merged state. For this reason notes list all earlier states they mean.
 * Ancestors of a listed state count only if they are listed too. A merge likewise lists everything that came with the merged state, since
 * that state may contain merges that were undone before.
 */
export class StateGraph {
  readonly #parents = new Map<string, Set<string>>();
  /** States that come before another, without their own ancestors. */
  readonly #alone = new Map<string, Set<string>>();
  /** Ancestors of a merged state, from the note of the merge. They count only if no line has that state. */
  readonly #noted = new Map<string, Set<string>>();
  readonly #states = new Map<string, GraphState['state']>();
  /** Texts of trees that were merged while unrecorded. A later state with the same text is taken for this tree. */
  readonly #unrecorded = new Set<string>();
  #archives = 0;

  /**
   * Adds the lines of an archive.
   *
   * @param lines - oldest first
   * @param path - the Dir into which other trees were merged; merges into others do not count
   * @returns the id of the last state; undefined without lines
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

  /** Adds an unrecorded state. @returns its id */
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

  /** The ids of a state and of all states before it. */
  upTo(id: string): Set<string> {
    return this.#reach([id]);
  }

  /**
   * The best common ancestors of two states: common ancestors that come before no other common ancestor.
   *
   * @param counts - excludes the states for which it returns false
   */
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

  /** Ids of the states that were merged into the state of a line, and of their ancestors. */
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

/** Prefix of graph nodes that stand for all states made in one archive up to a line. */
const OWN = 'own ';

function ownKey(archive: number, line: number): string {
  return `${OWN}${archive} ${line}`;
}

function addTo(map: Map<string, Set<string>>, id: string, states: readonly string[]): void {
  // Two sessions that recorded one state at the same time would make it its own parent.
  const others = states.filter((state) => state !== id);
  const known = map.get(id);
  if (known === undefined && others.length > 0) map.set(id, new Set(others));
  else for (const state of others) known?.add(state);
}

function some(id: string | undefined): string[] {
  return id === undefined || id === '' ? [] : [id];
}
