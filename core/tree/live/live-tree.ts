import { randomUUID } from 'node:crypto';
import { PathError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import { sameBlock } from '../../block/block.ts';
import { LONG_READ_AHEAD, readBlockRange } from '../../block/read-range.ts';
import type { AppendOptions } from '../../blockify/append-content.ts';
import type { Content } from '../../blockify/blockify.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { MIN_SALT_SIZE } from '../../dirent/dirent-tags.ts';
import { formatDirent } from '../../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../dirent/empty-root.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { NameFilter } from '../../filter/name-filter.ts';
import { canWrite } from '../../store/capability.ts';
import type { Store } from '../../store/store.ts';
import type { AdoptClash } from '../adopt-clash.ts';
import { ChangeFeed } from '../change-feed.ts';
import { DirReader } from '../dir-reader.ts';
import { NodeIds } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { baseName } from '../path.ts';
import type { LookupOptions, MetaChange, Tree, TreeCapabilities, TreeChange, TreeEntry, WriteOptions } from '../tree.ts';
import { countLeftOut, LeftOut } from './left-out.ts';
import { LiveAccess } from './live-access.ts';
import { emptyDir, storedDirent } from './live-changes.ts';
import { LiveListing } from './live-listing.ts';
import type { LiveDir, UnsyncedContent } from './live-node.ts';
import { entryBatchesOf } from './live-node.ts';
import { LiveNodes } from './live-nodes.ts';
import type { NodeDirent } from './live-operations.ts';
import * as change from './live-operations.ts';
import type { LiveNode, LiveState, StoreContentOptions } from './live-state.ts';
import { liveRoot, resolveLive, treeEntry } from './live-state.ts';
import { storeStale } from './live-store.ts';
import type { ChangeLog } from './node-change.ts';

/** Options of a live tree. */
export interface LiveTreeOptions {
  /** For messages and the prompt; default: the Store's name. */
  readonly name?: string;
  /** Allow changes even if the Store is read-only; they are never stored. */
  readonly inMemory?: boolean;
  /** Returns the time for changes, in ns since 1970; default: the system clock. */
  readonly nowNs?: () => bigint;
  /** Makes uuids for hard-linked nodes; default: random. */
  readonly newUuid?: () => string;
  /** Stores the content for `write`; default: in this thread. */
  readonly storeContent?: (content: AsyncIterable<Uint8Array>, options: StoreContentOptions) => Promise<Block>;
}

/**
 * Opens a Dir as a tree that can be changed. Nothing is read until it is needed.
 *
 * @param root - self-contained; undefined for an empty Dir without metadata
 */
export function openLiveTree(store: Store, root: DirDirent | undefined, options: LiveTreeOptions = {}): LiveTree {
  return new LiveTree(store, root, options);
}

/**
 * A mutable tree over stored Blocks, with copy on write. Unchanged parts stay in their Blocks; changes are in memory
 * until `sync` writes them. Operations may be called concurrently; changes run one at a time.
 */
export class LiveTree implements Tree {
  readonly name: string;
  readonly can: TreeCapabilities;
  readonly store: Store;
  /** Access to the same tree by nodes. */
  readonly nodes: LiveNodes;
  readonly #state: LiveState;
  readonly #access: LiveAccess;
  readonly #turns = new EventTurns();
  readonly #listing: LiveListing;

  constructor(store: Store, root: DirDirent | undefined, options: LiveTreeOptions) {
    this.store = store;
    this.name = options.name ?? store.name;
    this.can = { write: canWrite(store) || options.inMemory === true, sync: canWrite(store) && options.inMemory !== true };
    this.#state = {
      store,
      reader: new DirReader(store),
      ids: new NodeIds(),
      changes: new ChangeFeed(),
      nowNs: options.nowNs ?? ((): bigint => BigInt(Date.now()) * 1_000_000n),
      timesRoot: false,
      newUuid: options.newUuid ?? (() => randomUUID()),
      storeContent: options.storeContent ?? ((content, how) => storeHere(store, content, how)),
      root: liveRoot(root),
      leftOut: undefined,
      log: undefined,
    };
    this.#access = new LiveAccess(this.name, this.can.write);
    this.#listing = new LiveListing(this.#state, (path, how) => this.lookup(path, how));
    this.nodes = new LiveNodes(this.#state, this.#access);
  }

  isAt(root: Dirent | undefined): boolean {
    const { stale, dirent } = this.#state.root;
    return !stale && (dirent === root || formatDirent(dirent) === formatDirent(root ?? EMPTY_ROOT));
  }

  get revision(): number {
    return this.#state.changes.revision;
  }

  async lookup(path: TreePath, options: LookupOptions = {}): Promise<TreeEntry | undefined> {
    const node = await this.#reading('look up', async () => {
      try {
        return (await resolveLive(this.#state, path, { follow: options.follow ?? true, keep: false, action: 'look up' }, options)).node;
      } catch (error) {
        if (error instanceof PathError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
        throw error;
      }
    });
    return node === undefined ? undefined : treeEntry(path, baseName(path), node);
  }

  async *list(at: TreePath | TreeEntry, options: OpOptions = {}): AsyncGenerator<TreeEntry> {
    const { dir, path, batches } = await this.#reading('list', async () => {
      const listed = typeof at === 'string' ? undefined : this.#listing.below(at);
      const where = listed?.path ?? (typeof at === 'string' ? at : at.path);
      const found = listed === undefined ? await this.#node(where, 'list', true, options) : listed.open();
      if (found.sort !== 'dir') throw new PathError('ENOTDIR', 'list', where);
      return { dir: found, path: where, batches: entryBatchesOf(this.#state.reader, found, options) };
    });
    for await (const batch of batches)
      for (const raw of batch) {
        const turn = this.#turns.next(options.signal);
        if (turn !== undefined) await turn;
        const found = this.#listing.entry(path, dir, raw, options);
        const entry = found instanceof Promise ? await found : found;
        if (entry !== undefined) yield entry;
      }
  }

  async *read(
    path: TreePath,
    range: { readonly start?: number; readonly end?: number } = {},
    options: OpOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const node = await this.#reading('read', () => this.#node(path, 'read', true, options));
    if (node.sort === 'dir') throw new PathError('EISDIR', 'read', path);
    if (node.dirent.kind !== 'file') throw new PathError('EINVAL', 'read', path);
    if (node.unsynced === undefined)
      yield* readBlockRange(this.store, node.dirent.block, { maxReadAhead: LONG_READ_AHEAD, ...range, ...options });
    else yield* node.unsynced.read(range.start ?? 0, Math.min(range.end ?? node.unsynced.size, node.unsynced.size), options);
  }

  /**
   * The Block of a file's content; undefined if it is not stored yet.
   *
   * @throws {PathError} as {@link LiveTree.read}
   */
  async storedContent(path: TreePath, options: OpOptions = {}): Promise<Block | undefined> {
    const node = await this.#reading('read', () => this.#node(path, 'read', true, options));
    if (node.sort === 'dir') throw new PathError('EISDIR', 'read', path);
    if (node.dirent.kind !== 'file') throw new PathError('EINVAL', 'read', path);
    return node.unsynced === undefined ? node.dirent.block : undefined;
  }

  async readlink(path: TreePath, options: OpOptions = {}): Promise<Octets> {
    const node = await this.#reading('read link', () => this.#node(path, 'read link', false, options));
    if (node.sort === 'dir' || node.dirent.kind !== 'symlink') throw new PathError('EINVAL', 'read link', path);
    return node.dirent.target;
  }

  dirent(path: TreePath, options: OpOptions = {}): Promise<NodeDirent> {
    return this.#alone('read', async () => {
      const { node } = await resolveLive(this.#state, path, { follow: false, keep: true, action: 'read' }, options);
      if (node === undefined) throw new PathError('ENOENT', 'read', path);
      const dirent = await storedDirent(this.#state, node, baseName(path), options);
      if (this.can.write) await this.store.flush(options);
      return dirent;
    });
  }

  bind(path: TreePath, dirent: NodeDirent, options: OpOptions = {}): Promise<void> {
    return this.#changing('bind', () => change.bind(this.#state, path, dirent, options));
  }

  mkdir(path: TreePath, meta: Meta, options: OpOptions = {}): Promise<void> {
    const action = 'make directory';
    return this.#changing(action, () => change.create(this.#state, path, action, (name) => emptyDir(name, meta), options));
  }

  symlink(path: TreePath, target: Octets, meta: Meta, options: OpOptions = {}): Promise<void> {
    const action = 'make symlink';
    if (target === '') return Promise.reject(new PathError('ENOENT', action, path));
    const make = (name: Octets): NodeDirent => ({ kind: 'symlink', name, meta, target });
    return this.#changing(action, () => change.create(this.#state, path, action, make, options));
  }

  link(existing: TreePath, path: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('link', () => change.link(this.#state, existing, path, options));
  }

  remove(path: TreePath, options: OpOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    return this.#changing('remove', () => change.remove(this.#state, path, options));
  }

  rename(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('rename', () => change.rename(this.#state, from, to, options));
  }

  copy(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('copy', () => change.copy(this.#state, from, to, options));
  }

  setMeta(path: TreePath, meta: MetaChange, options: LookupOptions = {}): Promise<void> {
    return this.#changing('change', () => change.setMeta(this.#state, path, meta, options));
  }

  /**
   * Sets or removes the salt of a Dir: octets at the start of each of its Blocks, so that their hashes do not reveal
   * the entries. Dirs below have their own salt.
   *
   * @param salt - at least {@link MIN_SALT_SIZE} random octets; undefined for none
   */
  setSalt(path: TreePath, salt: Uint8Array | undefined, options: OpOptions = {}): Promise<void> {
    if (salt !== undefined && salt.length < MIN_SALT_SIZE) {
      return Promise.reject(new RangeError(`set salt: expected ${MIN_SALT_SIZE} bytes or more, got ${salt.length}`));
    }
    return this.#changing('salt', () => change.setSalt(this.#state, path, salt, options));
  }

  async write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options: WriteOptions = {}): Promise<void> {
    await this.#changing('write', () => change.writablePlace(this.#state, path, options));
    // Reading the content may take long, or read this same tree, so do not hold the lock.
    const block = await this.#state.storeContent(content, { ...options, hint: { fileName: baseName(path) } });
    await this.writeBlock(path, block, meta, options);
  }

  /** As {@link LiveTree.write}, for a content that is already stored. */
  async writeBlock(path: TreePath, block: Block, meta: Meta, options: WriteOptions = {}): Promise<void> {
    await this.#changing('write', () => change.write(this.#state, path, block, meta, options));
  }

  /**
   * Appends octets to a file; creates it if it does not exist. The cost is proportional to the appended octets. Octets that others append
   * meanwhile come before them.
   *
   * @param options.parser - proposes edges, as for the existing content; then that is read completely
   */
  async append(path: TreePath, content: Content, meta: Meta, options: AppendOptions = {}): Promise<void> {
    const base = await this.#changing('append', () => change.contentBlock(this.#state, path, options));
    const { appendContent } = await import('../../blockify/append-content.ts');
    const block = await appendContent(this.store, base, content, options);
    await this.#changing('append', async () => {
      const now = await change.contentBlock(this.#state, path, options);
      // Another append came first: put only the new octets after it.
      const added = readBlockRange(this.store, block, { start: base.span, signal: options.signal });
      const whole = sameBlock(now, base) ? block : await appendContent(this.store, now, added, options);
      await change.write(this.#state, path, whole, meta, options);
    });
  }

  /**
   * Attaches content to a file that is not in Blocks yet, as the front file of a mount; `sync` settles it. Creates the
   * file if it does not exist.
   */
  attach(path: TreePath, content: UnsyncedContent, meta: Meta, options: OpOptions = {}): Promise<void> {
    return this.#changing('write', () => change.attach(this.#state, path, content, meta, options));
  }

  /**
   * From now on, names that rules exclude only exist in memory and are never stored; what is already stored under them
   * stays until it changes.
   *
   * @param top - the Dir to which anchored rules are relative; undefined for the root at any time
   */
  leaveOut(rules: NameFilter, top: LiveDir | undefined): void {
    this.#state.leftOut = new LeftOut(rules, () => top ?? this.#state.root);
  }

  /** Whether a file's content will not be stored; undefined if that depends on all its names and is only known at the next sync. */
  isLeftOut(node: LiveNode): boolean | undefined {
    const { leftOut } = this.#state;
    return leftOut === undefined || node.sort === 'dir' ? false : leftOut.hasLeaf(node);
  }

  /** Counts the names in this tree that will not be stored. */
  async countLeftOut(options: OpOptions = {}): Promise<number> {
    const { leftOut, reader, root } = this.#state;
    if (leftOut === undefined) return 0;
    return await this.#reading('count', () => countLeftOut(reader, leftOut, root, options));
  }

  /** Sets the log, which receives each change by nodes from now on, and `lose()` for changes by path. */
  logTo(log: ChangeLog): void {
    this.#state.log = log;
  }

  /** The log that receives each change. */
  get log(): ChangeLog | undefined {
    return this.#state.log;
  }

  /** @param options.asRoot - the result will be recorded: the log is informed while the tree is locked */
  sync(options: OpOptions & { readonly asRoot?: boolean } = {}): Promise<Dirent> {
    return this.#alone('sync', async () => {
      if (options.asRoot === true) this.#state.log?.rootBegins();
      const { root } = this.#state;
      await storeStale(this.#state, root, options);
      if (this.can.write) await this.store.flush(options);
      return root.dirent;
    });
  }

  /**
   * Adopts a new state of this tree, for example a merge with other sessions' changes. Unchanged nodes stay the same
   * objects, so that their holders can continue. What changed here since `before` stays as it is.
   *
   * @param before - the result of an earlier `sync` of this tree
   * @param after - the new state derived from it, self-contained
   * @returns the paths that changed here meanwhile, and where their other states were put
   */
  async adopt(before: DirDirent, after: DirDirent, options: OpOptions = {}): Promise<AdoptClash[]> {
    const trees = { before: new LiveTree(this.store, before, {}), after: new LiveTree(this.store, after, {}) };
    try {
      return await this.#changing('merge', async () => {
        const { adopt } = await import('./adopt.ts');
        return await adopt(this.#state, before, after, trees, options);
      });
    } finally {
      await trees.before[Symbol.asyncDispose]();
      await trees.after[Symbol.asyncDispose]();
    }
  }

  watch(options: OpOptions = {}): AsyncIterable<TreeChange> {
    return this.#state.changes.watch(options);
  }

  /** Yields others' changes from now on. @param by - a caller of `nodes`, whose own changes are left out */
  watchOthers(by: object, options: OpOptions = {}): AsyncIterable<TreeChange> {
    return this.#state.changes.watch(options, by);
  }

  /** Resolves once all watchers of {@link LiveTree.watchOthers} have handled every change so far. */
  async told(): Promise<void> {
    await this.#state.changes.told();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#state.changes.close();
    await this.#access.close();
  }

  async #node(path: TreePath, action: string, follow: boolean, options: OpOptions): Promise<LiveNode> {
    const { node } = await resolveLive(this.#state, path, { follow, keep: false, action }, options);
    if (node === undefined) throw new PathError('ENOENT', action, path);
    return node;
  }

  #reading<T>(action: string, work: () => Promise<T>): Promise<T> {
    return this.#access.reading(action, () => this.#inTurn(work));
  }

  #changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    return this.#access.changing(action, () => {
      this.#state.log?.lose();
      return this.#inTurn(work);
    });
  }

  #alone<T>(action: string, work: () => Promise<T>): Promise<T> {
    return this.#access.alone(action, () => this.#inTurn(work));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.next();
    return turn === undefined ? work() : turn.then(work);
  }
}

/** Stores a content in this thread; the first call loads the edge kernel. */
async function storeHere(store: Store, content: AsyncIterable<Uint8Array>, options: StoreContentOptions): Promise<Block> {
  const { storeContent } = await import('../../blockify/store-content.ts');
  return await storeContent(store, content, options);
}
