import { throwIfCancelled } from '../../base/errors.ts';
import type { TreePath } from '../path.ts';
import { ROOT_PATH } from '../path.ts';
import type { DiffItem, DiffOptions, DiffSide, NodeDirent } from './diff.ts';
import { diffTrees } from './diff.ts';
import type { Rename } from './rename-finder.ts';
import { findRenames } from './rename-finder.ts';

/** A difference of two trees, including renames. */
export type Change =
  | { readonly kind: 'added'; readonly path: TreePath; readonly after: NodeDirent }
  | { readonly kind: 'removed'; readonly path: TreePath; readonly before: NodeDirent }
  | ChangedNode
  /** Reported at its new path. */
  | { readonly kind: 'renamed'; readonly from: TreePath; readonly path: TreePath; readonly before: NodeDirent; readonly after: NodeDirent };

/** A node with the same path but other content or metadata. */
export interface ChangedNode {
  readonly kind: 'changed';
  readonly path: TreePath;
  readonly before: NodeDirent;
  readonly after: NodeDirent;
  readonly content: boolean;
  readonly meta: boolean;
}

/** Options of {@link changesOf}. */
export interface ChangesOptions extends Omit<DiffOptions, 'below' | 'links'> {
  /** Detect renames; default true. */
  readonly renames?: boolean;
  /** Maximum number of new and removed names for which renames are detected. Default 200,000. */
  readonly maxHeld?: number;
  /** Called if there are more. */
  readonly onTooMany?: () => void;
}

type Lone = Extract<DiffItem, { kind: 'added' | 'removed' }>;

interface Name {
  readonly path: TreePath;
  readonly dirent: NodeDirent;
  readonly tables: DiffSide['tables'] & {};
}

/** Yields the differences of two trees by path. Detects renames by equal Blocks. */
export async function* changesOf(before: DiffSide, after: DiffSide, options: ChangesOptions = {}): AsyncGenerator<Change> {
  const { renames = true } = options;
  const items = renames ? await heldItems(before, after, options) : undefined;
  if (items === undefined) {
    if (renames) options.onTooMany?.();
    for await (const item of diffTrees(before, after, options)) yield changeOf(item);
    return;
  }
  const found = await renamesAmong(items, { before, after }, options);
  if (found === undefined) options.onTooMany?.();
  const byNew = new Map(found?.map((rename) => [rename.to.path, rename]));
  const gone = new Set(found?.map(({ from }) => from.path));
  for (const item of items) {
    if (item.kind === 'changed') {
      yield changeOf(item);
      continue;
    }
    // The contents of a renamed Dir are not reported again.
    const skipped = new Below();
    for await (const inner of withBelow(item, { before, after }, options)) {
      throwIfCancelled(options.signal);
      if (skipped.has(inner.path)) continue;
      const rename = inner.kind === 'added' ? byNew.get(inner.path) : undefined;
      if (rename === undefined && !(inner.kind === 'removed' && gone.has(inner.path))) yield changeOf(inner);
      else {
        skipped.start(inner.path);
        if (rename !== undefined) yield renamed(rename);
      }
      if (skipped.isAll(item.path)) break;
    }
  }
}

/** The differences, without the contents of new and removed Dirs, including the top; undefined if there are too many. */
async function heldItems(before: DiffSide, after: DiffSide, options: ChangesOptions): Promise<DiffItem[] | undefined> {
  const items: DiffItem[] = [];
  for await (const item of diffTrees(before, after, { ...options, below: false })) {
    const [top] = items;
    if (top !== undefined && top.kind !== 'changed' && top.path === (options.path ?? ROOT_PATH) && item.path !== top.path) break;
    items.push(item);
    if (items.length > maxHeld(options)) return undefined;
  }
  return items;
}

interface Sides {
  readonly before: DiffSide;
  readonly after: DiffSide;
}

/** Finds renames, first of whole Dirs, then within new and removed Dirs that have no match. */
async function renamesAmong(items: readonly DiffItem[], sides: Sides, options: ChangesOptions): Promise<Rename<Name>[] | undefined> {
  const removed = items.filter((item) => item.kind === 'removed');
  const added = items.filter((item) => item.kind === 'added');
  if (removed.length === 0 || added.length === 0) return [];
  const whole = findRenames(removed.map(nameOf), added.map(nameOf)).filter(({ to }) => to.dirent.kind === 'dir');
  const found = new Set(whole.flatMap(({ from, to }) => [from.path, to.path]));
  const below = async (lone: readonly Lone[]): Promise<Name[] | undefined> => {
    const names: Name[] = [];
    for (const item of lone.filter(({ path }) => !found.has(path))) {
      for await (const inner of withBelow(item, sides, options)) {
        names.push(nameOf(inner));
        if (names.length > maxHeld(options)) return undefined;
      }
    }
    return names;
  };
  const gone = await below(removed);
  const come = gone && (await below(added));
  return gone && come && [...whole, ...findRenames(gone, come)];
}

/** Yields a new or removed name and everything below it. */
async function* withBelow(item: Lone, sides: Sides, options: ChangesOptions): AsyncGenerator<Lone> {
  const nothing = (side: DiffSide): DiffSide => ({ ...side, top: undefined });
  const { path, tables } = item;
  const walk =
    item.kind === 'added'
      ? diffTrees(nothing(sides.before), { ...sides.after, top: item.after, tables }, { ...options, path })
      : diffTrees({ ...sides.before, top: item.before, tables }, nothing(sides.after), { ...options, path });
  for await (const inner of walk) if (inner.kind !== 'changed') yield inner;
}

function nameOf(item: Lone): Name {
  return { path: item.path, dirent: item.kind === 'added' ? item.after : item.before, tables: item.tables };
}

function maxHeld({ maxHeld: most = 200_000 }: ChangesOptions): number {
  return most;
}

function changeOf(item: DiffItem): Change {
  if (item.kind === 'added') return { kind: 'added', path: item.path, after: item.after };
  if (item.kind === 'removed') return { kind: 'removed', path: item.path, before: item.before };
  return item;
}

function renamed({ from, to }: Rename<Name>): Change {
  return { kind: 'renamed', from: from.path, path: to.path, before: from.dirent, after: to.dirent };
}

/** Recognises paths below a Dir, in a walk that yields Dirs before their contents. */
class Below {
  #dir: TreePath | undefined;

  start(dir: TreePath): void {
    this.#dir = dir;
  }

  has(path: TreePath): boolean {
    return this.#dir !== undefined && path.startsWith(`${this.#dir}/`);
  }

  isAll(path: TreePath): boolean {
    return this.#dir === path;
  }
}
