import type { ArchiveLine } from '../archive/archive-line.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import { mergeTrees } from '../tree/merge/merge-trees.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';
import { stateId, treeKey } from './ancestry.ts';
import { StateGraph } from './state-graph.ts';

/** One side of a merge: a Dir, and the recorded states that it comes after, oldest first. */
export interface MergeSide {
  readonly dirent: DirDirent;
  readonly lines: readonly ArchiveLine[];
  /** Whether the Dir is what the last line recorded. */
  readonly isRecorded: boolean;
}

/** How two sides relate. */
export interface Meeting {
  /** `ahead`: ours comes after all of theirs. `behind`: theirs comes after all of ours. */
  readonly relation: 'ahead' | 'behind' | 'parted';
  /** The common base with which both are compared; undefined if they have nothing in common. */
  readonly base: DirDirent | undefined;
  /** Ids of the best common ancestors: these and their ancestors come before both sides. */
  readonly common: readonly string[];
  /** Ids of their newest state and of all states before it. `oursUpTo` is the same for ours. */
  readonly theirsUpTo: ReadonlySet<string>;
  readonly oursUpTo: ReadonlySet<string>;
}

export interface MeetingOptions extends OpOptions {
  /** The Dir of ours into which theirs is merged. */
  readonly path: TreePath;
  /** Gives the Dir at `path` in a recorded root of ours; undefined if there is none. */
  readonly oursAt: (root: DirDirent) => Promise<DirDirent | undefined>;
  /** Fetches the Blocks of a common state if it can. @returns whether the state can be read */
  readonly bring: (state: DirDirent) => Promise<boolean>;
  readonly now: Date;
}

/** A common ancestor that can be read. */
interface CommonState {
  readonly id: string;
  readonly dir: DirDirent;
}

/** Unreadable common ancestors after which the sides are compared with an equal tree instead. */
const MAX_GONE = 64;
/** Pairs of equal trees that are tried when the sides have several best common ancestors. */
const MAX_PAIRS = 64;

/**
 * Finds the base of a merge: the best common ancestor.
 *
 * If there are several, the base is the newest equal tree that each side had after all of them, or else a merge of them. In that merge,
 * names in conflict equal neither side. Without a common ancestor, the base is the newest tree that both sides had.
 */
export async function meet(store: Store, ours: MergeSide, theirs: MergeSide, options: MeetingOptions): Promise<Meeting> {
  return await new Meet(store, ours, theirs, options).find();
}

class Meet {
  readonly #store: Store;
  readonly #ours: MergeSide;
  readonly #theirs: MergeSide;
  readonly #options: MeetingOptions;
  readonly #graph = new StateGraph();
  readonly #ourIds: ReadonlySet<string>;

  constructor(store: Store, ours: MergeSide, theirs: MergeSide, options: MeetingOptions) {
    this.#store = store;
    this.#ours = ours;
    this.#theirs = theirs;
    this.#options = options;
    this.#ourIds = new Set(ours.lines.map(stateId));
  }

  async find(): Promise<Meeting> {
    const one = this.#head(this.#ours, this.#options.path);
    const other = this.#head(this.#theirs, ROOT_PATH);
    const oursUpTo = this.#graph.upTo(one);
    const theirsUpTo = this.#graph.upTo(other);
    const about = { common: this.#graph.bestCommon(one, other), oursUpTo, theirsUpTo };
    if (oursUpTo.has(other)) return { relation: 'ahead', base: this.#theirs.dirent, ...about };
    if (theirsUpTo.has(one)) return { relation: 'behind', base: this.#ours.dirent, ...about };
    return { relation: 'parted', base: (await this.#base(one, other, 0)) ?? (await this.#equalTree()), ...about };
  }

  #head({ dirent, lines, isRecorded }: MergeSide, path: TreePath): string {
    const last = this.#graph.add(lines, path);
    return last !== undefined && isRecorded ? last : this.#graph.addState(dirent, last === undefined ? [] : [last]);
  }

  async #base(one: string, other: string, depth: number): Promise<DirDirent | undefined> {
    const found = await this.#readableCommon(one, other);
    const [first, ...rest] = found;
    if (first === undefined || rest.length === 0) return first?.dir;
    const equal = await this.#equalPair(
      one,
      other,
      found.map(({ id }) => id),
    );
    if (equal !== undefined) return equal;
    let { id, dir } = first;
    for (const next of rest) {
      const base = depth < MAX_DEPTH ? await this.#base(id, next.id, depth + 1) : undefined;
      const { now, signal } = this.#options;
      const { dirent } = await mergeTrees(this.#store, base, dir, next.dir, { now, signal, choose: () => 'neither' });
      dir = dirent;
      id = this.#graph.addState(dirent, [id, next.id]);
    }
    return dir;
  }

  /** The best common ancestors whose Blocks are complete here or on the other side. */
  async #readableCommon(one: string, other: string): Promise<CommonState[]> {
    const gone = new Set<string>();
    const whole = new Set<string>();
    for (;;) {
      const before = gone.size;
      const found: CommonState[] = [];
      for (const id of this.#graph.bestCommon(one, other, (state) => this.#graph.state(state) !== undefined && !gone.has(state))) {
        const dir = await this.#dirOf(id);
        if (dir === undefined) continue;
        if (whole.has(id) || (await this.#options.bring(dir))) {
          whole.add(id);
          found.push({ id, dir });
        } else gone.add(id);
      }
      if (gone.size === before || gone.size >= MAX_GONE) return found;
    }
  }

  /** The newest tree that each side had after all of the given states. */
  async #equalPair(one: string, other: string, after: readonly string[]): Promise<DirDirent | undefined> {
    const isAfter = (id: string): boolean => {
      const before = this.#graph.upTo(id);
      return after.every((state) => before.has(state));
    };
    const known = new Map<string, string>();
    for (const [id, dir] of await this.#dirsUpTo(other)) known.set(treeKey(dir), id);
    let pairs = 0;
    for (const [id, dir] of (await this.#dirsUpTo(one)).reverse()) {
      const equal = known.get(treeKey(dir));
      if (equal === undefined) continue;
      if (++pairs > MAX_PAIRS) return undefined;
      if (isAfter(id) && isAfter(equal) && (await this.#options.bring(dir))) return dir;
    }
    return undefined;
  }

  /** The newest tree of ours that theirs had at any time. */
  async #equalTree(): Promise<DirDirent | undefined> {
    const { oursAt, bring } = this.#options;
    const known = new Set([treeKey(this.#theirs.dirent)]);
    for (const { dirent } of this.#theirs.lines) if (dirent.kind === 'dir') known.add(treeKey(dirent));
    if (known.has(treeKey(this.#ours.dirent))) return this.#ours.dirent;
    for (const { dirent } of this.#ours.lines.toReversed()) {
      const dir = dirent.kind === 'dir' ? await oursAt(dirent) : undefined;
      if (dir !== undefined && known.has(treeKey(dir)) && (await bring(dir))) return dir;
    }
    return undefined;
  }

  /** The recorded states up to the given one, oldest first. */
  async #dirsUpTo(id: string): Promise<(readonly [id: string, dir: DirDirent])[]> {
    const dirs: (readonly [string, DirDirent, bigint])[] = [];
    for (const state of this.#graph.upTo(id)) {
      const whenNs = this.#graph.state(state)?.whenNs;
      const dir = whenNs === undefined ? undefined : await this.#dirOf(state);
      if (dir !== undefined && whenNs !== undefined) dirs.push([state, dir, whenNs]);
    }
    return dirs.sort(([, , a], [, , b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([state, dir]) => [state, dir] as const);
  }

  async #dirOf(id: string): Promise<DirDirent | undefined> {
    const dirent = this.#graph.state(id)?.dirent;
    if (dirent?.kind !== 'dir') return undefined;
    return this.#ourIds.has(id) ? await this.#options.oursAt(dirent) : dirent;
  }
}

/** Depth of recursion when common ancestors are merged to get a base: their own base may again be a merge. */
const MAX_DEPTH = 8;
