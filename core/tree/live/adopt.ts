import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { EMPTY_BLOCK } from '../../block/block.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import { sameContent, sameDirent, sameMeta } from '../../dirent/dirent-compare.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { AdoptClash } from '../adopt-clash.ts';
import type { DiffItem } from '../diff/diff.ts';
import { diffDirents } from '../diff/diff.ts';
import type { TreePath } from '../path.ts';
import { baseName, joinPath, parentPath, ROOT_PATH } from '../path.ts';
import type { Tree } from '../tree.ts';
import { holdsUnstored } from './left-out.ts';
import { linkChanges, linkedNames } from './link-changes.ts';
import type { Place } from './live-changes.ts';
import { changeDir, changeLeaf, dropEntry, linkEntry, nodeOf, placeOf, putEntry } from './live-changes.ts';
import type { LiveDir, LiveLeaf } from './live-node.ts';
import { linksWithin } from './live-node.ts';
import type { NodeDirent } from './live-operations.ts';
import type { LiveNode, LiveState } from './live-state.ts';

/**
 * Applies the differences between two states of a tree to a live tree, node by node. Unchanged nodes stay the same objects, so that
 * their holders (a mount with open files) can continue. What changed in the live tree since `before` stays as it is; the other state
 * is put beside it. Times are those of `after`. The caller holds the tree's lock.
 *
 * @param before - the former state of the live tree, self-contained
 * @param after - the state to adopt
 * @param trees - both states, each opened as a tree
 */
export async function adopt(
  state: LiveState,
  before: DirDirent,
  after: DirDirent,
  trees: { readonly before: Tree; readonly after: Tree },
  options: OpOptions,
): Promise<AdoptClash[]> {
  return await new Adoption(state, trees.before, trees.after, options).run(before, after);
}

class Adoption {
  readonly #state: LiveState;
  readonly #before: Tree;
  readonly #theirs: Tree;
  readonly #options: OpOptions;
  readonly #clashes: AdoptClash[] = [];
  /** Metadata to set at the end on Dirs whose entries were changed. */
  readonly #dirMeta = new Map<LiveDir, Meta>();
  /** All names of each node of `after` with several names, by its id there. */
  #names: Map<number, TreePath[]> | undefined;
  /** Paths of nodes with several names that were put already, by id. */
  readonly #placed = new Map<number, TreePath>();

  constructor(state: LiveState, before: Tree, theirs: Tree, options: OpOptions) {
    this.#state = state;
    this.#before = before;
    this.#theirs = theirs;
    this.#options = options;
  }

  async run(before: DirDirent, after: DirDirent): Promise<AdoptClash[]> {
    const items: DiffItem[] = [];
    for await (const item of diffDirents(this.#state.store, before, after, { ...this.#options, below: false, links: true }))
      items.push(item);
    // For a Dir in both states, only its own metadata has changed, so its contents count as unchanged.
    const changed = new Set(items.filter((item) => item.kind !== 'removed' && !isChangedDir(item)).map(({ path }) => path));
    // Determine this before any change, since names of the same node affect each other.
    const standing = await this.#standingPaths(items);
    for (const item of items) await this.#adopt(item, changed, standing.has(item.path));
    if (items.some((item) => item.kind === 'changed' && item.links)) await this.#regroup();
    for (const [dir, meta] of this.#dirMeta) dir.dirent = { ...dir.dirent, meta };
    return this.#clashes;
  }

  /** Paths at which the live tree still has the state `before`. */
  async #standingPaths(items: readonly DiffItem[]): Promise<Set<TreePath>> {
    const standing = new Set<TreePath>();
    const seen = new Set<TreePath>();
    for (const item of items) {
      // For a change of kind, the removal comes first; skip its addition here.
      if (seen.has(item.path)) continue;
      seen.add(item.path);
      const place = await this.#place(item.path);
      if (place !== undefined && (await this.#stands(place.node, item.kind === 'added' ? undefined : item.before))) standing.add(item.path);
    }
    return standing;
  }

  async #adopt(item: DiffItem, changed: ReadonlySet<TreePath>, isStanding: boolean): Promise<void> {
    const { path } = item;
    if (item.kind === 'changed' && !item.content && !item.meta) return;
    if (path === ROOT_PATH) {
      if (item.kind === 'changed') this.#setDirMeta(this.#state.root, item.after.meta);
      return;
    }
    const place = await this.#place(path);
    const after = item.kind === 'removed' ? undefined : item.after;
    if (item.kind === 'changed' && item.after.kind === 'dir' && place?.node?.sort === 'dir') {
      // The entries of a Dir may have changed meanwhile. Keep its metadata if that has changed too.
      if (!sameMeta(place.node.dirent, item.before)) return;
      this.#setDirMeta(place.node, item.after.meta);
      this.#state.changes.emit({ kind: 'meta', path });
      return;
    }
    if (place === undefined || !isStanding) {
      await this.#clash(path, place, after);
      return;
    }
    if (item.kind === 'changed' && !item.content && place.node?.sort === 'leaf' && place.node.hard === undefined) {
      changeLeaf(place, place.node, { ...place.node.dirent, meta: item.after.meta });
      this.#state.changes.emit({ kind: 'meta', path });
      return;
    }
    if (after === undefined) await this.#drop(place);
    else await this.#put(place, after, changed);
  }

  /** Whether a live node and its contents are unchanged. */
  async #stands(node: LiveNode | undefined, before: NodeDirent | undefined): Promise<boolean> {
    if (!isAs(node, before)) return false;
    if (node?.sort !== 'dir') return true;
    // The node of a hard link may have changed without a change of its Dir.
    for await (const { path, node: leaf } of linkedNames(this.#state.reader, node, this.#options)) {
      const was = await this.#before.lookup(path, { ...this.#options, follow: false });
      if (was === undefined || !isAs(leaf, was.dirent)) return false;
    }
    return true;
  }

  /** Puts a node of `after` at a place; a node with several names stays one node. */
  async #put(place: Place, dirent: NodeDirent, changed: ReadonlySet<TreePath>): Promise<void> {
    if (place.node !== undefined) await this.#drop(place);
    const free = { ...place, node: undefined };
    if (dirent.kind === 'dir') await this.#putDir(free, dirent, changed);
    else await this.#putLeaf(free, dirent, changed);
  }

  async #putDir(place: Place, dirent: DirDirent, changed: ReadonlySet<TreePath>): Promise<void> {
    this.#keepMeta(place.dir);
    if (linksWithin(dirent) === 0) {
      putEntry(this.#state, place, nodeOf(this.#state, place, dirent));
      this.#tellNames(place.path);
      return;
    }
    // Put entry by entry, since names within may belong to nodes that are elsewhere.
    const { inodes: _inodes, links: _links, ...rest } = dirent;
    putEntry(this.#state, place, nodeOf(this.#state, place, { ...rest, block: EMPTY_BLOCK }));
    this.#tellNames(place.path);
    for await (const entry of this.#theirs.list(place.path, this.#options)) {
      const inner = await this.#place(entry.path);
      if (inner !== undefined) await this.#put(inner, entry.dirent, changed);
    }
  }

  async #putLeaf(place: Place, dirent: Exclude<NodeDirent, DirDirent>, changed: ReadonlySet<TreePath>): Promise<void> {
    this.#keepMeta(place.dir);
    const entry = await this.#theirs.lookup(place.path, { ...this.#options, follow: false });
    if (entry !== undefined && entry.nlink > 1) {
      const standing = await this.#standing(entry.id, place.path, changed);
      if (standing?.node?.sort === 'leaf') {
        this.#keepMeta(standing.dir);
        await linkEntry(this.#state, { ...standing, node: standing.node }, place, this.#options);
        standing.node.dirent = { ...standing.node.dirent, meta: dirent.meta };
        this.#tellNames(place.path);
        return;
      }
      this.#placed.set(entry.id, place.path);
    }
    putEntry(this.#state, place, nodeOf(this.#state, place, dirent));
    this.#tellNames(place.path);
  }

  /** Finds a node with several names in the live tree: it was put there already, or is unchanged. */
  async #standing(id: number, path: TreePath, changed: ReadonlySet<TreePath>): Promise<Place | undefined> {
    this.#names ??= await this.#linkedNames();
    const known = this.#placed.get(id) ?? this.#names.get(id)?.find((name) => name !== path && !isWithinAny(name, changed));
    return known === undefined ? undefined : await this.#place(known);
  }

  async #linkedNames(): Promise<Map<number, TreePath[]>> {
    const names = new Map<number, TreePath[]>();
    const ahead: TreePath[] = [ROOT_PATH];
    for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
      for await (const entry of this.#theirs.list(path, this.#options)) {
        if (entry.dirent.kind === 'dir') {
          if (linksWithin(entry.dirent) > 0) ahead.push(entry.path);
        } else if (entry.nlink > 1) names.set(entry.id, [...(names.get(entry.id) ?? []), entry.path]);
      }
    }
    return names;
  }

  /** Groups names by nodes as in `after`, as far as they are unchanged otherwise. */
  async #regroup(): Promise<void> {
    this.#names ??= await this.#linkedNames();
    const { split, join } = await linkChanges(this.#state, this.#names.values(), this.#options);
    for (const path of split) {
      const found = await this.#alike(path);
      if (found === undefined) continue;
      await this.#drop(found.place);
      const free = { ...found.place, node: undefined };
      putEntry(this.#state, free, nodeOf(this.#state, free, found.dirent));
      this.#tellNames(path);
    }
    for (const group of join) {
      let first: TreePath | undefined;
      for (const path of group) {
        const one = first === undefined ? undefined : await this.#alike(first);
        const other = await this.#alike(path);
        if (other === undefined || one?.place.node === other.place.node) continue;
        if (one === undefined) {
          first = path;
          continue;
        }
        await this.#drop(other.place);
        this.#keepMeta(one.place.dir);
        await linkEntry(this.#state, one.place, { ...other.place, node: undefined }, this.#options);
        one.place.node.dirent = { ...one.place.node.dirent, meta: one.dirent.meta };
        this.#tellNames(path);
      }
    }
  }

  /** A name and its leaf, if the leaf is as in `after`; else undefined. */
  async #alike(
    path: TreePath,
  ): Promise<{ readonly place: Place & { readonly node: LiveLeaf }; readonly dirent: Exclude<NodeDirent, DirDirent> } | undefined> {
    const place = await this.#place(path);
    const dirent = (await this.#theirs.lookup(path, { ...this.#options, follow: false }))?.dirent;
    if (place?.node?.sort !== 'leaf' || dirent === undefined || dirent.kind === 'dir' || !isAs(place.node, dirent)) return undefined;
    return { place: { ...place, node: place.node }, dirent };
  }

  async #drop(place: Place): Promise<void> {
    this.#keepMeta(place.dir);
    await dropEntry(this.#state, place, this.#options);
    this.#tellNames(place.path);
  }

  /** Keeps a path that changed here, and puts the other state beside it. */
  async #clash(path: TreePath, place: Place | undefined, after: NodeDirent | undefined): Promise<void> {
    if (after === undefined || (place !== undefined && isAs(place.node, after))) {
      if (after === undefined && place?.node !== undefined) this.#clashes.push({ path, theirsAt: undefined });
      return;
    }
    const parent = await this.#nearestDir(parentPath(path));
    for (let number = 1; ; number++) {
      const name = `${baseName(path).slice(0, 230)}.theirs${number === 1 ? '' : `-${number}`}` as Octets;
      const beside = await this.#place(joinPath(parent, name));
      if (beside === undefined) return;
      if (beside.node !== undefined) continue;
      this.#keepMeta(beside.dir);
      const whole = await this.#theirs.dirent(path, this.#options);
      putEntry(this.#state, beside, nodeOf(this.#state, beside, { ...whole, name }));
      this.#tellNames(beside.path);
      this.#clashes.push({ path, theirsAt: beside.path });
      return;
    }
  }

  async #nearestDir(path: TreePath): Promise<TreePath> {
    for (let at = path; at !== ROOT_PATH; at = parentPath(at)) {
      const place = await this.#place(at);
      if (place?.node?.sort === 'dir') return at;
    }
    return ROOT_PATH;
  }

  /** The place of a path; undefined if its Dir no longer exists, or the path leads through a symlink now. */
  async #place(path: TreePath): Promise<Place | undefined> {
    try {
      const place = await placeOf(this.#state, path, 'merge', this.#options);
      return place?.path === path ? place : undefined;
    } catch (error) {
      if (error instanceof PathError) return undefined;
      throw error;
    }
  }

  #setDirMeta(dir: LiveDir, meta: Meta): void {
    this.#dirMeta.set(dir, meta);
    changeDir(dir, { ...dir.dirent, meta });
  }

  #keepMeta(dir: LiveDir): void {
    if (!this.#dirMeta.has(dir)) this.#dirMeta.set(dir, dir.dirent.meta);
  }

  #tellNames(path: TreePath): void {
    this.#state.changes.emit({ kind: 'names', path });
  }
}

/** Whether a live node equals a Dirent and has no unstored changes. */
function isAs(node: LiveNode | undefined, dirent: NodeDirent | undefined): boolean {
  if (node === undefined || dirent === undefined) return node === undefined && dirent === undefined;
  if (node.dirent.kind !== dirent.kind) return false;
  if (node.sort === 'dir') return dirent.kind === 'dir' && !node.stale && !holdsUnstored(node) && sameDirent(node.dirent, dirent);
  return node.unsynced?.isSettled !== false && sameMeta(node.dirent, dirent) && sameContent(node.dirent, dirent);
}

function isChangedDir(item: DiffItem): boolean {
  return item.kind === 'changed' && item.after.kind === 'dir';
}

function isWithinAny(path: TreePath, changed: ReadonlySet<TreePath>): boolean {
  for (let at = path; at !== ROOT_PATH; at = parentPath(at)) if (changed.has(at)) return true;
  return false;
}
