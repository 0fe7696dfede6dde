import { ClosedError, PathError, ReadOnlyError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { SharedLock } from '../../base/shared-lock.ts';
import type { Block } from '../../block/block.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { entryId } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { checkEntryName, joinPath } from '../path.ts';
import type { TreeChange } from '../tree.ts';
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
import { entriesNow, entriesOf, entryBatchesOf, findEntry, findEntryNow, isDirEntry } from './live-node.ts';
import type { NodeDirent } from './live-operations.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { openEntry, openEntryNow } from './live-state.ts';
import { type NodeChange, nodePath } from './node-change.ts';

/** What the nodes need of their tree. */
export interface LiveNodesContext {
  readonly name: string;
  readonly state: LiveState;
  readonly lock: SharedLock;
  readonly canWrite: boolean;
  readonly isClosed: () => boolean;
}

/** How rename deals with what stands under the new name. */
export type RenameManner = 'replace' | 'keep' | 'exchange';

/**
 * The nodes of a live tree by themselves, for those who keep them over many operations, as a mount does: a node that is
 * held stays the same object whatever names it has or gets, and lives on when it has none.
 *
 * Operations of this and of the tree's paths may be mixed: they take turns at one lock.
 */
export class LiveNodes {
  readonly #context: LiveNodesContext;

  constructor(context: LiveNodesContext) {
    this.#context = context;
  }

  /** The top Dir; another one once a Dir was bound to `/`. */
  get root(): LiveDir {
    return this.#context.state.root;
  }

  /** The node of a name, held once more; undefined where there is none. At once where nothing has to be read for it. */
  child(dir: LiveDir, name: Octets, options?: OpOptions): LiveNode | undefined | Promise<LiveNode | undefined> {
    const entry = this.#isFree ? this.#findNow(dir, name) : null;
    if (entry === undefined) return undefined;
    const node = entry === null ? undefined : openEntryNow(dir, { name, entry });
    return node === undefined ? this.#child(dir, name, options) : this.hold(dir, name, node);
  }

  async #child(dir: LiveDir, name: Octets, options?: OpOptions): Promise<LiveNode | undefined> {
    return await this.#reading('look up', async () => {
      this.#checkLive(dir);
      const entry = await findEntry(this.#context.state.reader, dir, name, options);
      return entry === undefined ? undefined : this.hold(dir, name, await this.#open(dir, { name, entry }, options));
    });
  }

  /** Counts the Dirs in a Dir, where that is not known and can be done at little cost: with its Block's entries, up to `maxSize` octets of them. */
  async countDirs(dir: LiveDir, maxSize: number, options?: OpOptions): Promise<void> {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize) return;
    await this.#reading('count', async () => {
      let subdirs = 0;
      for await (const { entry } of this.entries(dir, options)) if (isDirEntry(entry)) subdirs++;
      // Nobody changes names while the lock is held.
      dir.subdirs = subdirs;
    });
  }

  /** As {@link LiveNodes.countDirs}, where nothing has to be waited for. */
  countDirsNow(dir: LiveDir, maxSize: number): void {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize || !this.#isFree) return;
    const entries = this.entriesNow(dir);
    if (entries === undefined) return;
    let subdirs = 0;
    for (const { entry } of entries) if (isDirEntry(entry)) subdirs++;
    dir.subdirs = subdirs;
  }

  /** Lets small Dirs be read by somebody who can do so at once. */
  readBy(readNow: (block: Block) => Uint8Array | undefined): void {
    this.#context.state.reader.readNow = readNow;
  }

  /** Changes get their times from somebody else's clock, ns since 1970. */
  timeBy(nowNs: () => bigint): void {
    this.#context.state.nowNs = nowNs;
  }

  /** The entries of a Dir as they are stored; undefined where they have to be waited for, or are more than `maxSize` octets. */
  storedNow(dir: LiveDir, maxSize: number): Iterable<Dirent> | undefined {
    return this.#context.state.reader.decodedNow(dir.dirent.block, maxSize)?.values();
  }

  /** The entries of a Dir as they are, sorted by name; undefined where they have to be waited for, or are many. */
  entriesNow(dir: LiveDir): RawEntry[] | undefined {
    return entriesNow(this.#context.state.reader, dir);
  }

  /** The entries of a Dir as they were at the call, sorted by name. */
  entries(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry> {
    return entriesOf(this.#context.state.reader, dir, options);
  }

  /** As {@link LiveNodes.entries}, as many at once as there are. */
  entryBatches(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry[]> {
    return entryBatchesOf(this.#context.state.reader, dir, options);
  }

  /** The node of an entry just listed, not held. */
  entry(dir: LiveDir, raw: RawEntry, options?: OpOptions): LiveNode | Promise<LiveNode> {
    return openEntryNow(dir, raw) ?? this.#open(dir, raw, options);
  }

  /** Holds a node once more: its name gives this very object as long as somebody does. */
  hold<T extends LiveNode>(dir: LiveDir | undefined, name: Octets, node: T): T {
    node.holds = (node.holds ?? 0) + 1;
    if (node.sort === 'leaf' && node.hard === undefined && node.holds === 1 && dir !== undefined) {
      const present = dir.overlay.get(name);
      // Somebody else was first since it was looked up.
      if (present?.sort === 'leaf' && present !== node) {
        node.holds = 0;
        return this.hold(dir, name, present) as T;
      }
      node.home = { dir, name };
      dir.overlay.set(name, node);
    }
    return node;
  }

  /** Lets go of a node; one that nobody holds and that is as stored is forgotten. */
  release(node: LiveNode, times = 1): void {
    node.holds = Math.max(0, (node.holds ?? 0) - times);
    if (node.holds > 0) return;
    if (node.sort === 'leaf') {
      const { home } = node;
      if (home?.dir.isStored(home.name) !== true || node.unsynced !== undefined || node.id !== entryId(home.dir.id, home.name)) return;
      if (home.dir.overlay.get(home.name) === node) home.dir.overlay.delete(home.name);
    } else {
      const { parent } = node;
      if (parent?.isStored(node.name) !== true || node.stale || node.scope !== undefined || node.overlay.size > 0) return;
      if (node.id === entryId(parent.id, node.name) && parent.overlay.get(node.name) === node) parent.overlay.delete(node.name);
    }
  }

  /** Whether a node has no name any more. */
  isRemoved(node: LiveNode): boolean {
    if (node.sort === 'dir') return !this.#isLive(node);
    return node.hard === undefined ? node.home === undefined : node.hard.nlink <= 0;
  }

  /** Makes a node under a new name; held once. At once where nothing has to be read for it. */
  create(dir: LiveDir, name: Octets, dirent: NodeDirent, by: object, options: OpOptions = {}): LiveNode | Promise<LiveNode> {
    if (this.#mayChangeNow && this.#findNow(dir, name) === undefined) {
      const path = joinPath(dir.path(), name);
      checkEntryName(name, 'make', path);
      return this.#create({ dir, name, path, node: undefined }, dirent, by);
    }
    return this.#changing('make', async () => this.#create(await this.#freePlace(dir, name, 'make', options), dirent, by));
  }

  #create(place: Place, dirent: NodeDirent, by: object): LiveNode {
    const { state } = this.#context;
    const node = nodeOf(state, place, dirent);
    node.holds = 1;
    putEntry(state, place, node);
    this.#tell(place, 'names', by);
    this.#log(place.dir, node, { kind: 'make', path: place.path, dirent });
    return node;
  }

  /** Removes a name, at once where nothing has to be read for it. @param sort - what it has to be */
  remove(dir: LiveDir, name: Octets, sort: 'dir' | 'leaf', by: object, options: OpOptions = {}): void | Promise<void> {
    if (sort === 'leaf' && this.#mayChangeNow) {
      const entry = this.#findNow(dir, name);
      const node = entry === null || entry === undefined || entry.sort === 'stored' ? undefined : openEntryNow(dir, { name, entry });
      if (node?.sort === 'leaf') {
        const place = { dir, name, node, path: joinPath(dir.path(), name) };
        dropLeaf(this.#context.state, place, node);
        this.#tell(place, 'names', by);
        this.#log(dir, node, { kind: 'remove', path: place.path, sort });
        return;
      }
    }
    return this.#remove(dir, name, sort, by, options);
  }

  async #remove(dir: LiveDir, name: Octets, sort: 'dir' | 'leaf', by: object, options: OpOptions): Promise<void> {
    await this.#changing('remove', async () => {
      const place = await this.#usedPlace(dir, name, 'remove', options);
      const { node } = place;
      if (sort === 'leaf' && node.sort === 'dir') throw new PathError('EISDIR', 'remove', place.path);
      if (sort === 'dir' && node.sort !== 'dir') throw new PathError('ENOTDIR', 'remove', place.path);
      if (node.sort === 'dir' && !(await isEmptyDir(this.#context.state, node))) throw new PathError('ENOTEMPTY', 'remove', place.path);
      await dropEntry(this.#context.state, place, options);
      this.#tell(place, 'names', by);
      this.#log(dir, node, { kind: 'remove', path: place.path, sort });
    });
  }

  /** As rename(2), or renameat2(2) with its flags. @param options.leave - what takes the old name */
  async rename(
    from: { readonly dir: LiveDir; readonly name: Octets },
    to: { readonly dir: LiveDir; readonly name: Octets },
    manner: RenameManner,
    by: object,
    options: OpOptions & { readonly leave?: NodeDirent | undefined } = {},
  ): Promise<void> {
    await this.#changing('rename', async () => {
      const { state } = this.#context;
      const source = await this.#usedPlace(from.dir, from.name, 'rename', options);
      const target = await this.#place(to.dir, to.name, options);
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
      this.#tell(source, 'names', by);
      this.#tell(target, 'names', by);
      this.#log(to.dir, source.node, { kind: 'rename', path: source.path, to: target.path, manner, leave: options.leave });
    });
  }

  /** Adds a name for a node that is no Dir; for one that has none it becomes the only one. */
  async link(node: LiveLeaf, dir: LiveDir, name: Octets, by: object, options: OpOptions = {}): Promise<void> {
    await this.#changing('link', async () => {
      const { state } = this.#context;
      const place = await this.#freePlace(dir, name, 'link', options);
      const path = nodePath(node);
      if (node.hard === undefined && node.home === undefined) putEntry(state, place, node);
      else {
        const from = node.home ?? { dir, name };
        await linkEntry(state, { ...from, node, path: joinPath(from.dir.path(), from.name) }, place, options);
        node.home = undefined;
      }
      this.#tell(place, 'names', by);
      if (path === undefined || path === 'none') state.log?.lose();
      else this.#log(dir, node, { kind: 'link', path, to: place.path });
    });
  }

  /** Makes a node that has no name, held once. @param dir - whose filesystem it is in */
  async createNameless(dir: LiveDir, dirent: LeafDirent): Promise<LiveLeaf> {
    return await this.#changing('make', async () => {
      this.#checkLive(dir);
      const { ids } = this.#context.state;
      const nameless = '' as Octets;
      // No place gives it an id: it gets one that is counted.
      ids.leave(entryId(dir.id, nameless));
      await Promise.resolve();
      return { sort: 'leaf', id: ids.fresh(dir.id, nameless), dirent, holds: 1 };
    });
  }

  /** Gives a node another Dirent: metadata, or the rdev and target that only its maker sets. At once where nobody has the tree. */
  change(
    node: LiveNode,
    change: (dirent: LiveNode['dirent']) => LiveNode['dirent'],
    kind: TreeChange['kind'],
    by: object,
  ): void | Promise<void> {
    const changeIt = (): void => {
      this.changeNow(node, change, kind, by);
      this.#logMeta(node);
    };
    if (this.#mayChangeNow) {
      changeIt();
      return;
    }
    return this.#changing('change', async () => {
      changeIt();
      await Promise.resolve();
    });
  }

  /** As {@link change}, for callers inside whose turn of the event loop nothing else may run: a write that sets its time. */
  changeNow(node: LiveNode, change: (dirent: LiveNode['dirent']) => LiveNode['dirent'], kind: TreeChange['kind'], by: object): void {
    const dirent = change(node.dirent);
    if (node.sort === 'dir') {
      if (dirent.kind === 'dir') changeDir(node, dirent);
      this.#tellNode(node, kind, by);
      return;
    }
    if (dirent.kind === 'dir') return;
    if (isHard(node)) changeLeaf({ dir: node.hard.scope.dir, name: '' as Octets, node, path: '' as TreePath }, node, dirent);
    else if (node.home === undefined) node.dirent = dirent;
    else changeLeaf({ ...node.home, node, path: '' as TreePath }, node, dirent);
    this.#tellNode(node, kind, by);
  }

  /** Lets a file's content come from elsewhere until it is settled, or from its Block again. */
  attach(node: LiveLeaf, content: UnsyncedContent | undefined, by: object): void {
    node.unsynced = content;
    this.changeNow(node, (dirent) => dirent, 'content', by);
  }

  async #exchange(source: Place & { readonly node: LiveNode }, target: Place, options: OpOptions): Promise<void> {
    const { state } = this.#context;
    const { node } = target;
    if (node === undefined) throw new PathError('ENOENT', 'rename', target.path);
    if (node === source.node) return;
    if (node.sort === 'dir' && source.dir.isWithin(node)) throw new PathError('EINVAL', 'rename', target.path);
    await exchangeEntries(state, source, { ...target, node }, options);
    renamed(state, source.node);
    renamed(state, node);
  }

  async #place(dir: LiveDir, name: Octets, options: OpOptions): Promise<Place> {
    this.#checkLive(dir);
    const path = joinPath(dir.path(), name);
    const entry = await findEntry(this.#context.state.reader, dir, name, options);
    return { dir, name, path, node: entry === undefined ? undefined : await this.#open(dir, { name, entry }, options) };
  }

  async #usedPlace(dir: LiveDir, name: Octets, action: string, options: OpOptions): Promise<Place & { readonly node: LiveNode }> {
    const place = await this.#place(dir, name, options);
    if (place.node === undefined) throw new PathError('ENOENT', action, place.path);
    return { ...place, node: place.node };
  }

  async #freePlace(dir: LiveDir, name: Octets, action: string, options: OpOptions): Promise<Place> {
    const place = await this.#place(dir, name, options);
    if (place.node !== undefined) throw new PathError('EEXIST', action, place.path);
    checkEntryName(name, action, place.path);
    return place;
  }

  get #isFree(): boolean {
    return !this.#context.isClosed() && this.#context.lock.isFree;
  }

  get #mayChangeNow(): boolean {
    return !this.#context.isClosed() && this.#context.canWrite && this.#context.lock.isIdle;
  }

  /** The entry of a name; undefined where there is none, null where that has to be read. */
  #findNow(dir: LiveDir, name: Octets): RawEntry['entry'] | undefined | null {
    this.#checkLive(dir);
    return findEntryNow(this.#context.state.reader, dir, name);
  }

  #open(dir: LiveDir, raw: RawEntry, options: OpOptions | undefined): Promise<LiveNode> {
    return openEntry(this.#context.state, dir, raw, true, options);
  }

  #isLive(dir: LiveDir): boolean {
    let at = dir;
    for (; at.parent !== undefined; at = at.parent) if (at.gone) return false;
    return at === this.#context.state.root;
  }

  #checkLive(dir: LiveDir): void {
    if (!this.#isLive(dir)) throw new PathError('ENOENT', 'use', dir.name);
  }

  #tell(place: Place, kind: TreeChange['kind'], by: object): void {
    const { changes } = this.#context.state;
    if (changes.isWatched) changes.emit({ kind, path: place.path }, by);
  }

  #tellNode(node: LiveNode, kind: TreeChange['kind'], by: object): void {
    const { changes } = this.#context.state;
    if (!changes.isWatched) return;
    const path = node.sort === 'dir' ? node.path() : node.home === undefined ? undefined : joinPath(node.home.dir.path(), node.home.name);
    if (path !== undefined) changes.emit({ kind, path }, by);
  }

  /** @param dir - the Dir that has changed, which has the time of that */
  #log(dir: LiveDir, node: LiveNode, change: NodeChange): void {
    const { log, nowNs } = this.#context.state;
    log?.note(change, dir.dirent.meta.mtimeNs ?? nowNs(), node);
  }

  #logMeta(node: LiveNode): void {
    const { log, nowNs } = this.#context.state;
    const path = log === undefined ? 'none' : nodePath(node);
    if (path === undefined) log?.lose();
    else if (path !== 'none') log?.note({ kind: 'meta', path, meta: node.dirent.meta }, nowNs(), node);
  }

  #reading<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#context.isClosed()) return Promise.reject(new ClosedError(action, this.#context.name));
    return this.#context.lock.shared(work);
  }

  #changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#context.isClosed()) return Promise.reject(new ClosedError(action, this.#context.name));
    if (!this.#context.canWrite) return Promise.reject(new ReadOnlyError(action, this.#context.name));
    return this.#context.lock.exclusive(work).catch((error: unknown) => {
      // What is refused changes nothing; what fails may have changed half of it.
      if (!(error instanceof PathError)) this.#context.state.log?.lose();
      throw error;
    });
  }
}
