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

/** How rename treats an entry that has the new name. */
export type RenameManner = 'replace' | 'keep' | 'exchange';

/**
 * The nodes of a live tree by themselves, for those who keep them over many operations, as a mount does. A node that is
 * held stays the same object whatever names it has or gets, also when it has none.
 *
 * Operations of this and of the tree's paths may be mixed: they take turns at one lock.
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

  /** The top Dir; another one once a Dir was bound to `/`. */
  get root(): LiveDir {
    return this.#state.root;
  }

  /** The node of a name, held once more; undefined where there is none. At once where nothing has to be read for it. */
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

  /** Counts the Dirs in a Dir, where that is not known and can be done at little cost: with its Block's entries, up to `maxSize` octets of them. */
  async countDirs(dir: LiveDir, maxSize: number, options?: OpOptions): Promise<void> {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize) return;
    await this.#access.reading('count', async () => {
      let subdirs = 0;
      for await (const { entry } of this.entries(dir, options)) if (isDirEntry(entry)) subdirs++;
      // Nobody changes names while the lock is held.
      dir.subdirs = subdirs;
    });
  }

  /** As {@link LiveNodes.countDirs}, where nothing has to be waited for. */
  countDirsNow(dir: LiveDir, maxSize: number): void {
    if (dir.subdirs !== undefined || dir.dirent.block.span > maxSize || !this.#access.isFree) return;
    const entries = this.entriesNow(dir);
    if (entries === undefined) return;
    let subdirs = 0;
    for (const { entry } of entries) if (isDirEntry(entry)) subdirs++;
    dir.subdirs = subdirs;
  }

  /** Lets small Dirs be read by somebody who can do so at once. */
  readBy(readNow: (block: Block) => Uint8Array | undefined): void {
    this.#state.reader.readNow = readNow;
  }

  /** Changes get their times from somebody else's clock, ns since 1970. */
  timeBy(nowNs: () => bigint): void {
    this.#state.nowNs = nowNs;
  }

  /** The entries of a Dir as they are stored; undefined where they have to be waited for, or are more than `maxSize` octets. */
  storedNow(dir: LiveDir, maxSize: number): Iterable<Dirent> | undefined {
    return this.#state.reader.decodedNow(dir.dirent.block, maxSize)?.values();
  }

  /** The entries of a Dir as they are, sorted by name; undefined where they have to be waited for, or are many. */
  entriesNow(dir: LiveDir): RawEntry[] | undefined {
    return entriesNow(this.#state.reader, dir);
  }

  /** The entries of a Dir as they were at the call, sorted by name. */
  entries(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry> {
    return entriesOf(this.#state.reader, dir, options);
  }

  /** As {@link LiveNodes.entries}, as many at once as there are. */
  entryBatches(dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry[]> {
    return entryBatchesOf(this.#state.reader, dir, options);
  }

  /** The node of an entry just listed, not held. */
  entry(dir: LiveDir, raw: RawEntry, options?: OpOptions): LiveNode | Promise<LiveNode> {
    return openEntryNow(dir, raw) ?? this.#places.open(dir, raw, options);
  }

  /** Holds a node once more: its name gives this very object as long as somebody does. */
  hold<T extends LiveNode>(dir: LiveDir | undefined, name: Octets, node: T): T {
    return holdNode(dir, name, node);
  }

  /** Lets go of a node; one that nobody holds and that is as stored is forgotten. */
  release(node: LiveNode, times = 1): void {
    releaseNode(node, times);
  }

  /** Whether a node has no name any more. */
  isRemoved(node: LiveNode): boolean {
    if (node.sort === 'dir') return !this.#places.isLive(node);
    return node.hard === undefined ? node.home === undefined : node.hard.nlink <= 0;
  }

  /** Makes a node under a new name; held once. At once where nothing has to be read for it. */
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

  /** Removes a name, at once where nothing has to be read for it. @param sort - what it has to be */
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

  /** As rename(2), or renameat2(2) with its flags. @param options.leave - what takes the old name */
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

  /** Adds a name for a node that is no Dir; for one that has none it becomes the only one. */
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

  /** Makes a node that has no name, held once. @param dir - whose filesystem it is in */
  async createNameless(dir: LiveDir, dirent: LeafDirent): Promise<LiveLeaf> {
    return await this.#changing('make', async () => {
      this.#places.checkLive(dir);
      const { ids } = this.#state;
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

  /** As {@link change}, for callers inside whose turn of the event loop nothing else may run: a write that sets its time. */
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

  /** Lets a file's content come from elsewhere until it is settled, or from its Block again. */
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
        // What is refused changes nothing; what fails may have changed half of it.
        if (!(error instanceof PathError)) this.#state.log?.lose();
        throw error;
      }),
    );
  }
}
