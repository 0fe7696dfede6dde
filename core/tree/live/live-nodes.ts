import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { entryId } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { checkEntryName, joinPath } from '../path.ts';
import type { TreeChange } from '../tree.ts';
import type { LiveAccess } from './live-access.ts';
import type { Place } from './live-changes.ts';
import {
  changeDir,
  changeLeaf,
  checkReplace,
  dropEntry,
  dropLeaf,
  exchangeEntries,
  isEmptyDir,
  isHard,
  linkEntry,
  moveEntry,
  nodeOf,
  putEntry,
  renamed,
} from './live-changes.ts';
import type { LeafDirent, LiveDir, LiveLeaf, RawEntry, UnsyncedContent } from './live-node.ts';
import { entriesNow, entriesOf, entryBatchesOf, findEntry, isDirEntry } from './live-node.ts';
import type { NodeDirent } from './live-operations.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { openEntryNow } from './live-state.ts';
import { nodePath } from './node-change.ts';
import { holdNode, releaseNode } from './node-holds.ts';
import { NodePlaces } from './node-places.ts';
import { logChange, logMeta, tellNode, tellPlace } from './tell-change.ts';

/** How rename treats an existing entry with the new name. */
export type RenameManner = 'replace' | 'keep' | 'exchange';

/**
 * Access to the nodes of a live tree, for callers that keep nodes over many operations, as a mount does. A held node
 * stays the same object when its names change, even when it has none.
 *
 * These operations and those by path may be mixed: they use the same lock.
 */
export class LiveNodes {
  readonly #state: LiveState;
  readonly #access: LiveAccess;
  readonly #places: NodePlaces;

  constructor(state: LiveState, access: LiveAccess) {
    this.#state = state;
    this.#access = access;
    this.#places = new NodePlaces(state);
  }

  /** The top Dir; binding a Dir to `/` replaces it. */
  get root(): LiveDir {
    return this.#state.root;
  }

  /** Finds the node of a name and holds it; undefined if there is none. Synchronous if nothing has to be read. */
  child(dir: LiveDir, name: Octets, options?: OpOptions): LiveNode | undefined | Promise<LiveNode | undefined> {
    const entry = this.#access.isFree ? this.#places.findNow(dir, name) : null;
    if (entry === undefined) return undefined;
    const node = entry === null ? undefined : openEntryNow(dir, { name, entry });
    return node === undefined ? this.#child(dir, name, options) : this.hold(dir, name, node);
  }

  async #child(dir: LiveDir, name: Octets, options?: OpOptions): Promise<LiveNode | undefined> {
    return await this.#access.reading('look up', async () => {
      this.#places.checkLive(dir);
      const entry = await findEntry(this.#state.reader, dir, name, options);
      return entry === undefined ? undefined : this.hold(dir, name, await this.#places.open(dir, { name, entry }, options));
    });
  }

  /** Counts the Dirs in a Dir, if that is unknown and its Block has at most `maxSize` octets of entries. */
  async countDirs(dir: LiveDir, maxSize: number, options?: OpOptions): Promise<void> {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize) return;
    await this.#access.reading('count', async () => {
      let subdirs = 0;
      for await (const { entry } of this.entries(dir, options)) if (isDirEntry(entry)) subdirs++;
      // Names cannot change while the lock is held.
      dir.subdirs = subdirs;
    });
  }

  /** As {@link LiveNodes.countDirs}, if it can be done synchronously. */
  countDirsNow(dir: LiveDir, maxSize: number): void {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize || !this.#access.isFree) return;
    const entries = this.entriesNow(dir);
    if (entries === undefined) return;
    let subdirs = 0;
    for (const { entry } of entries) if (isDirEntry(entry)) subdirs++;
    dir.subdirs = subdirs;
  }

  /** Sets a function that reads Blocks of small Dirs synchronously. */
  readBy(readNow: (block: Block) => Uint8Array | undefined): void {
    this.#state.reader.readNow = readNow;
  }

  /** Sets the clock for the times of changes, in ns since 1970. From now on the root gets an mtime, as a mount point has one. */
  timeBy(nowNs: () => bigint): void {
    this.#state.nowNs = nowNs;
    this.#state.timesRoot = true;
  }

  /** The stored entries of a Dir; undefined if they cannot be read synchronously, or exceed `maxSize` octets. */
  storedNow(dir: LiveDir, maxSize: number): Iterable<Dirent> | undefined {
    return this.#state.reader.decodedNow(dir.dirent.block, maxSize)?.values();
  }

  /** The present entries of a Dir, sorted by name; undefined if they cannot be read synchronously, or are too many. */
  entriesNow(dir: LiveDir): RawEntry[] | undefined {
    return entriesNow(this.#state.reader, dir);
  }

  /** Yields the entries that a Dir has at the time of the call, sorted by name. */
  entries(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry> {
    return entriesOf(this.#state.reader, dir, options);
  }

  /** As {@link LiveNodes.entries}, in batches. */
  entryBatches(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry[]> {
    return entryBatchesOf(this.#state.reader, dir, options);
  }

  /** The node of an entry that was just listed; it is not held. */
  entry(dir: LiveDir, raw: RawEntry, options?: OpOptions): LiveNode | Promise<LiveNode> {
    return openEntryNow(dir, raw) ?? this.#places.open(dir, raw, options);
  }

  /** Holds a node once more: while it is held, looking up its name returns this object. */
  hold<T extends LiveNode>(dir: LiveDir | undefined, name: Octets, node: T): T {
    return holdNode(dir, name, node);
  }

  /** Releases a hold. A node without holds that equals its stored state is dropped from memory. */
  release(node: LiveNode, times = 1): void {
    releaseNode(node, times);
  }

  /** Whether a node has no name any more. */
  isRemoved(node: LiveNode): boolean {
    if (node.sort === 'dir') return !this.#places.isLive(node);
    return node.hard === undefined ? node.home === undefined : node.hard.nlink <= 0;
  }

  /** Creates a node with a new name and holds it. Synchronous if nothing has to be read. */
  create(dir: LiveDir, name: Octets, dirent: NodeDirent, by: object, options: OpOptions = {}): LiveNode | Promise<LiveNode> {
    if (this.#access.mayChangeNow && this.#places.findNow(dir, name) === undefined) {
      const path = joinPath(dir.path(), name);
      checkEntryName(name, 'make', path);
      return this.#create({ dir, name, path, node: undefined }, dirent, by);
    }
    return this.#changing('make', async () => this.#create(await this.#places.free(dir, name, 'make', options), dirent, by));
  }

  #create(place: Place, dirent: NodeDirent, by: object): LiveNode {
    const state = this.#state;
    const node = nodeOf(state, place, dirent);
    node.holds = 1;
    putEntry(state, place, node);
    tellPlace(this.#state, place, 'names', by);
    logChange(this.#state, place.dir, node, { kind: 'make', path: place.path, dirent });
    return node;
  }

  /** Removes a name. Synchronous if nothing has to be read. @param sort - the required sort of the node */
  remove(dir: LiveDir, name: Octets, sort: 'dir' | 'leaf', by: object, options: OpOptions = {}): void | Promise<void> {
    if (sort === 'leaf' && this.#access.mayChangeNow) {
      const entry = this.#places.findNow(dir, name);
      const node = entry === null || entry === undefined || entry.sort === 'stored' ? undefined : openEntryNow(dir, { name, entry });
      if (node?.sort === 'leaf') {
        const place = { dir, name, node, path: joinPath(dir.path(), name) };
        dropLeaf(this.#state, place, node);
        tellPlace(this.#state, place, 'names', by);
        logChange(this.#state, dir, node, { kind: 'remove', path: place.path, sort });
        return;
      }
    }
    return this.#remove(dir, name, sort, by, options);
  }

  async #remove(dir: LiveDir, name: Octets, sort: 'dir' | 'leaf', by: object, options: OpOptions): Promise<void> {
    await this.#changing('remove', async () => {
      const place = await this.#places.used(dir, name, 'remove', options);
      const { node } = place;
      if (sort === 'leaf' && node.sort === 'dir') throw new PathError('EISDIR', 'remove', place.path);
      if (sort === 'dir' && node.sort !== 'dir') throw new PathError('ENOTDIR', 'remove', place.path);
      if (node.sort === 'dir' && !(await isEmptyDir(this.#state, node))) throw new PathError('ENOTEMPTY', 'remove', place.path);
      await dropEntry(this.#state, place, options);
      tellPlace(this.#state, place, 'names', by);
      logChange(this.#state, dir, node, { kind: 'remove', path: place.path, sort });
    });
  }

  /**
   * As rename(2), or renameat2(2) with its flags.
   *
   * @param options.leave - a node that gets the old name
   * @throws {PathError} as these calls: ENOENT, EEXIST with `keep`, EINVAL for a Dir into itself, ENOTEMPTY …
   */
  async rename(
    from: { readonly dir: LiveDir; readonly name: Octets },
    to: { readonly dir: LiveDir; readonly name: Octets },
    manner: RenameManner,
    by: object,
    options: OpOptions & { readonly leave?: NodeDirent | undefined } = {},
  ): Promise<void> {
    await this.#changing('rename', async () => {
      const state = this.#state;
      const source = await this.#places.used(from.dir, from.name, 'rename', options);
      const target = await this.#places.at(to.dir, to.name, options);
      checkEntryName(target.name, 'rename', target.path);
      if (manner === 'keep' && target.node !== undefined) throw new PathError('EEXIST', 'rename', target.path);
      if (manner === 'exchange' && target.node === undefined) throw new PathError('ENOENT', 'rename', target.path);
      if (source.node.sort === 'dir' && target.dir.isWithin(source.node)) throw new PathError('EINVAL', 'rename', source.path);
      if (manner === 'exchange') await this.#exchange(source, target, options);
      else {
        if (target.node === source.node) return;
        if (target.node?.sort === 'dir' && source.dir.isWithin(target.node)) throw new PathError('ENOTEMPTY', 'rename', target.path);
        await checkReplace(state, source.node, target.node, 'rename', target.path);
        if (target.node !== undefined) await dropEntry(state, target, options);
        await moveEntry(state, source, target, options);
        renamed(state, source.node);
        if (options.leave !== undefined) {
          const left: Place = { ...source, node: undefined };
          putEntry(state, left, nodeOf(state, left, options.leave));
        }
      }
      tellPlace(this.#state, source, 'names', by);
      tellPlace(this.#state, target, 'names', by);
      logChange(this.#state, to.dir, source.node, { kind: 'rename', path: source.path, to: target.path, manner, leave: options.leave });
    });
  }

  /** Adds a name for a node that is no Dir; the node may have no name before. */
  async link(node: LiveLeaf, dir: LiveDir, name: Octets, by: object, options: OpOptions = {}): Promise<void> {
    await this.#changing('link', async () => {
      const state = this.#state;
      const place = await this.#places.free(dir, name, 'link', options);
      const path = nodePath(node);
      if (node.hard === undefined && node.home === undefined) putEntry(state, place, node);
      else {
        const from = node.home ?? { dir, name };
        await linkEntry(state, { ...from, node, path: joinPath(from.dir.path(), from.name) }, place, options);
        node.home = undefined;
      }
      tellPlace(this.#state, place, 'names', by);
      if (path === undefined || path === 'none') state.log?.lose();
      else logChange(this.#state, dir, node, { kind: 'link', path, to: place.path });
    });
  }

  /** Creates a node without a name and holds it. @param dir - a Dir of the tree that it belongs to */
  async createNameless(dir: LiveDir, dirent: LeafDirent): Promise<LiveLeaf> {
    return await this.#changing('make', async () => {
      this.#places.checkLive(dir);
      const { ids } = this.#state;
      const nameless = '' as Octets;
      // It has no place to derive an id from: force an id from the counter.
      ids.leave(entryId(dir.id, nameless));
      await Promise.resolve();
      return { sort: 'leaf', id: ids.fresh(dir.id, nameless), dirent, holds: 1 };
    });
  }

  /** Changes the Dirent of a node: metadata, or the rdev or target at its creation. Synchronous if the tree is not in use. */
  change(
    node: LiveNode,
    change: (dirent: LiveNode['dirent']) => LiveNode['dirent'],
    kind: TreeChange['kind'],
    by: object,
  ): void | Promise<void> {
    const changeIt = (): void => {
      this.changeNow(node, change, kind, by);
      logMeta(this.#state, node);
    };
    if (this.#access.mayChangeNow) {
      changeIt();
      return;
    }
    return this.#changing('change', async () => {
      changeIt();
      await Promise.resolve();
    });
  }

  /** As {@link change}, but always synchronous and without the lock: for a write that sets its time. */
  changeNow(node: LiveNode, change: (dirent: LiveNode['dirent']) => LiveNode['dirent'], kind: TreeChange['kind'], by: object): void {
    const dirent = change(node.dirent);
    if (node.sort === 'dir') {
      if (dirent.kind === 'dir') changeDir(node, dirent);
      tellNode(this.#state, node, kind, by);
      return;
    }
    if (dirent.kind === 'dir') return;
    if (isHard(node)) changeLeaf({ dir: node.hard.scope.dir, name: '' as Octets, node, path: '' as TreePath }, node, dirent);
    else if (node.home === undefined) node.dirent = dirent;
    else changeLeaf({ ...node.home, node, path: '' as TreePath }, node, dirent);
    tellNode(this.#state, node, kind, by);
  }

  /** Sets the unsettled content of a file; undefined to use its Block again. */
  attach(node: LiveLeaf, content: UnsyncedContent | undefined, by: object): void {
    node.unsynced = content;
    this.changeNow(node, (dirent) => dirent, 'content', by);
  }

  async #exchange(source: Place & { readonly node: LiveNode }, target: Place, options: OpOptions): Promise<void> {
    const state = this.#state;
    const { node } = target;
    if (node === undefined) throw new PathError('ENOENT', 'rename', target.path);
    if (node === source.node) return;
    if (node.sort === 'dir' && source.dir.isWithin(node)) throw new PathError('EINVAL', 'rename', target.path);
    await exchangeEntries(state, source, { ...target, node }, options);
    renamed(state, source.node);
    renamed(state, node);
  }

  #changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    return this.#access.changing(action, () =>
      work().catch((error: unknown) => {
        // A PathError is a refusal and changes nothing; after other errors, the change may be incomplete.
        if (!(error instanceof PathError)) this.#state.log?.lose();
        throw error;
      }),
    );
  }
}
