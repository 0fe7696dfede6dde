import { randomUUID } from 'node:crypto';
import { ClosedError, PathError, ReadOnlyError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { SharedLock } from '../base/shared-lock.ts';
import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import { readBlockRange } from '../block/read-range.ts';
import { withSpan } from '../block/tree-walk.ts';
import type { OpOptions, Store } from '../store/store.ts';
import { ChangeFeed } from './change-feed.ts';
import { DirReader } from './dir-reader.ts';
import type { DirDirent, Dirent, IndirectDirent } from './dirent.ts';
import { encodeDirent } from './dirent-codec.ts';
import { findNode } from './inode-scope.ts';
import {
  changeDir,
  changeLeaf,
  checkReplace,
  dropEntry,
  emptyDir,
  existingPlace,
  isEmptyDir,
  linkEntry,
  moveEntry,
  newPlace,
  nodeOf,
  placeOf,
  putEntry,
  storedDirent,
} from './live-changes.ts';
import type { LiveDir, RawEntry, UnsyncedContent } from './live-node.ts';
import { entriesOf } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { danglingLink, liveRoot, resolveLive, treeEntry } from './live-state.ts';
import { storeStale } from './live-store.ts';
import type { Meta } from './meta.ts';
import { applyMetaChange, contentChanged, nodeChanged } from './meta-change.ts';
import { entryId, NodeIds } from './node-id.ts';
import { baseName, checkEntryName, joinPath } from './path.ts';
import type { LookupOptions, MetaChange, Tree, TreeCapabilities, TreeChange, TreeEntry, TreePath } from './tree.ts';

/** What a live tree takes from outside. */
export interface LiveTreeOptions {
  /** For messages and the prompt; default the Store's name. */
  readonly name?: string;
  /** The time of changes, ns since 1970; default the system clock. */
  readonly nowNs?: () => bigint;
  /** Identities of hard-linked nodes; default random ones. */
  readonly newUuid?: () => string;
  /** Stores the content of `write`; default in this thread. */
  readonly storeContent?: (content: AsyncIterable<Uint8Array>, options: OpOptions) => Promise<Block>;
}

/**
 * Opens a Dir as a tree that can be changed. Nothing is read until it is asked for.
 *
 * @param root - self-contained; undefined starts with an empty Dir that records nothing
 */
export function openLiveTree(store: Store, root: DirDirent | undefined, options: LiveTreeOptions = {}): LiveTree {
  return new LiveTree(store, root, options);
}

/**
 * A mutable tree over stored Blocks: copy on write. What was not touched stays in its Blocks; what was is in memory
 * until `sync` writes it. Operations may be called side by side: those that change something run one at a time.
 */
export class LiveTree implements Tree {
  readonly name: string;
  readonly can: TreeCapabilities;
  readonly store: Store;
  readonly #state: LiveState;
  readonly #lock = new SharedLock();
  #closed = false;

  constructor(store: Store, root: DirDirent | undefined, options: LiveTreeOptions) {
    this.store = store;
    this.name = options.name ?? store.name;
    this.can = { write: store.can.write, sync: store.can.write };
    this.#state = {
      store,
      reader: new DirReader(store),
      ids: new NodeIds(),
      changes: new ChangeFeed(),
      nowNs: options.nowNs ?? ((): bigint => BigInt(Date.now()) * 1_000_000n),
      newUuid: options.newUuid ?? randomUUID,
      storeContent: options.storeContent ?? ((content, how) => storeHere(store, content, how)),
      root: liveRoot(root),
      rootChanged: false,
    };
  }

  get changed(): boolean {
    return this.#state.root.stale || this.#state.rootChanged;
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

  async *list(path: TreePath, options: OpOptions = {}): AsyncGenerator<TreeEntry> {
    const { dir, entries } = await this.#reading('list', async () => {
      const found = await this.#node(path, 'list', true, options);
      if (found.sort !== 'dir') throw new PathError('ENOTDIR', 'list', octetsToText(path));
      return { dir: found, entries: entriesOf(this.#state.reader, found, options) };
    });
    for await (const raw of entries) {
      const entry = await this.#listed(path, dir, raw, options);
      if (entry !== undefined) yield entry;
    }
  }

  async *read(
    path: TreePath,
    range: { readonly start?: number; readonly end?: number } = {},
    options: OpOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const node = await this.#reading('read', () => this.#node(path, 'read', true, options));
    if (node.sort === 'dir') throw new PathError('EISDIR', 'read', octetsToText(path));
    if (node.dirent.kind !== 'file') throw new PathError('EINVAL', 'read', octetsToText(path));
    if (node.unsynced === undefined) yield* readBlockRange(this.store, node.dirent.block, { ...range, ...options });
    else yield* node.unsynced.read(range.start ?? 0, Math.min(range.end ?? node.unsynced.size, node.unsynced.size), options);
  }

  async readlink(path: TreePath, options: OpOptions = {}): Promise<Octets> {
    const node = await this.#reading('read link', () => this.#node(path, 'read link', false, options));
    if (node.sort === 'dir' || node.dirent.kind !== 'symlink') throw new PathError('EINVAL', 'read link', octetsToText(path));
    return node.dirent.target;
  }

  dirent(path: TreePath, options: OpOptions = {}): Promise<Exclude<Dirent, IndirectDirent>> {
    return this.#alone('read', async () => {
      const { node } = await resolveLive(this.#state, path, { follow: false, keep: true, action: 'read' }, options);
      if (node === undefined) throw new PathError('ENOENT', 'read', octetsToText(path));
      const dirent = await storedDirent(this.#state, node, baseName(path), options);
      if (this.can.write) await this.store.flush(options);
      return dirent;
    });
  }

  bind(path: TreePath, given: Exclude<Dirent, IndirectDirent>, options: OpOptions = {}): Promise<void> {
    return this.#changing('bind', async () => {
      const state = this.#state;
      const dirent = await withKnownSpans(this.store, given, options);
      const place = await placeOf(state, path, 'bind', options);
      if (place === undefined) {
        if (dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'bind', octetsToText(path));
        state.root = liveRoot({ ...dirent, name: state.root.dirent.name });
        state.rootChanged = true;
      } else {
        checkEntryName(place.name, 'bind', path);
        if (place.node !== undefined) {
          if (isSame(place.node, dirent)) return;
          await dropEntry(state, place, options);
        }
        putEntry(state, place, nodeOf(state, place, dirent));
      }
      state.changes.emit({ kind: 'names', path: place?.path ?? path });
    });
  }

  mkdir(path: TreePath, meta: Meta, options: OpOptions = {}): Promise<void> {
    return this.#create(path, 'make directory', options, (name) => emptyDir(name, meta));
  }

  symlink(path: TreePath, target: Octets, meta: Meta, options: OpOptions = {}): Promise<void> {
    if (target === '') return Promise.reject(new PathError('ENOENT', 'make symlink', octetsToText(path)));
    return this.#create(path, 'make symlink', options, (name) => ({ kind: 'symlink', name, meta, target }));
  }

  link(existing: TreePath, path: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('link', async () => {
      const from = await existingPlace(this.#state, existing, 'link', options);
      const to = await newPlace(this.#state, path, 'link', options);
      const { node } = from;
      if (node.sort === 'dir') throw new PathError('EPERM', 'link', octetsToText(existing));
      await linkEntry(this.#state, { ...from, node }, to, options);
      this.#state.changes.emit({ kind: 'names', path: to.path });
    });
  }

  remove(path: TreePath, options: OpOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    return this.#changing('remove', async () => {
      const place = await existingPlace(this.#state, path, 'remove', options);
      if (options.recursive !== true && place.node.sort === 'dir' && !(await isEmptyDir(this.#state, place.node))) {
        throw new PathError('ENOTEMPTY', 'remove', octetsToText(path));
      }
      await dropEntry(this.#state, place, options);
      this.#state.changes.emit({ kind: 'names', path: place.path });
    });
  }

  rename(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('rename', async () => {
      const source = await existingPlace(this.#state, from, 'rename', options);
      const target = await placeOf(this.#state, to, 'rename', options);
      if (target === undefined) throw new PathError('ENOTEMPTY', 'rename', octetsToText(to));
      checkEntryName(target.name, 'rename', to);
      if (target.node?.id === source.node.id) return;
      if (source.node.sort === 'dir' && target.dir.isWithin(source.node)) throw new PathError('EINVAL', 'rename', octetsToText(from));
      if (target.node?.sort === 'dir' && source.dir.isWithin(target.node)) throw new PathError('ENOTEMPTY', 'rename', octetsToText(to));
      await checkReplace(this.#state, source.node, target.node, 'rename', to);
      if (target.node !== undefined) await dropEntry(this.#state, target, options);
      await moveEntry(this.#state, source, target, options);
      this.#state.changes.emit({ kind: 'names', path: source.path });
      this.#state.changes.emit({ kind: 'names', path: target.path });
    });
  }

  copy(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#changing('copy', async () => {
      const { node } = await resolveLive(this.#state, from, { follow: false, keep: true, action: 'copy' }, options);
      if (node === undefined) throw new PathError('ENOENT', 'copy', octetsToText(from));
      const target = await placeOf(this.#state, to, 'copy', options);
      if (target === undefined || target.node?.id === node.id) throw new PathError('EINVAL', 'copy', octetsToText(from));
      checkEntryName(target.name, 'copy', to);
      if (node.sort === 'dir' && target.dir.isWithin(node)) throw new PathError('EINVAL', 'copy', octetsToText(from));
      await checkReplace(this.#state, node, target.node, 'copy', to);
      const dirent = await storedDirent(this.#state, node, target.name, options);
      if (target.node !== undefined) await dropEntry(this.#state, target, options);
      putEntry(this.#state, target, nodeOf(this.#state, target, dirent));
      this.#state.changes.emit({ kind: 'names', path: target.path });
    });
  }

  setMeta(path: TreePath, change: MetaChange, options: LookupOptions = {}): Promise<void> {
    return this.#changing('change', async () => {
      const { node, place } = await this.#placed(path, 'change', options.follow ?? true, options);
      const meta = applyMetaChange(nodeChanged(node.dirent.meta, this.#state.nowNs()), change);
      if (node.sort === 'dir') changeDir(this.#state, node, { ...node.dirent, meta });
      else if (place !== undefined) changeLeaf(place, node, { ...node.dirent, meta });
      this.#state.changes.emit({ kind: 'meta', path: place?.path ?? path });
    });
  }

  /**
   * Gives a Dir salt, or takes it away: octets at the start of each of its Blocks, so that their hashes tell nobody
   * the entries. The Dirs below have their own.
   *
   * @param salt - 8 octets or more, random; undefined for none
   */
  setSalt(path: TreePath, salt: Uint8Array | undefined, options: OpOptions = {}): Promise<void> {
    return this.#changing('salt', async () => {
      if (salt !== undefined && salt.length < 8) throw new RangeError(`set salt: expected 8 octets or more, got ${salt.length}`);
      const { node, place } = await this.#placed(path, 'salt', true, options);
      if (node.sort !== 'dir') throw new PathError('ENOTDIR', 'salt', octetsToText(path));
      const { salt: _salt, ...rest } = node.dirent;
      changeDir(this.#state, node, { ...rest, ...(salt === undefined ? {} : { salt: Uint8Array.from(salt) }) });
      if (node.scope !== undefined) node.scope.changed = true;
      node.markStale();
      this.#state.changes.emit({ kind: 'meta', path: place?.path ?? path });
    });
  }

  async write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options: OpOptions = {}): Promise<void> {
    await this.#changing('write', () => this.#writable(path, options));
    // Content may take long, or come from this very tree: others go on meanwhile.
    const block = await this.#state.storeContent(content, options);
    await this.#changing('write', async () => {
      const place = await this.#writable(path, options);
      const { node } = place;
      if (node?.sort === 'leaf' && node.dirent.kind === 'file') {
        const changed = contentChanged(node.dirent.meta, meta.mtimeNs ?? this.#state.nowNs());
        node.unsynced = undefined;
        changeLeaf(place, node, { ...node.dirent, block, meta: changed });
      } else putEntry(this.#state, place, nodeOf(this.#state, place, { kind: 'file', name: place.name, meta, block }));
      this.#state.changes.emit({ kind: node === undefined ? 'names' : 'content', path: place.path });
    });
  }

  /**
   * Lets a file's content come from elsewhere until it is settled into Blocks, as `sync` does; makes the file where
   * there is none. The front file of a mount is such a content.
   */
  attach(path: TreePath, content: UnsyncedContent, meta: Meta, options: OpOptions = {}): Promise<void> {
    return this.#changing('write', async () => {
      const place = await this.#writable(path, options);
      let { node } = place;
      if (node === undefined) {
        node = nodeOf(this.#state, place, {
          kind: 'file',
          name: place.name,
          meta,
          block: { kind: 'literal', span: 0, data: new Uint8Array(0) },
        });
        putEntry(this.#state, place, node);
      }
      if (node.sort !== 'leaf') return;
      node.unsynced = content;
      changeLeaf(place, node, node.dirent);
      this.#state.changes.emit({ kind: 'content', path: place.path });
    });
  }

  sync(options: OpOptions = {}): Promise<Dirent> {
    return this.#alone('sync', async () => {
      const { root } = this.#state;
      await storeStale(this.store, this.#state.reader, root, options);
      if (this.can.write) await this.store.flush(options);
      this.#state.rootChanged = false;
      return root.dirent;
    });
  }

  watch(options: OpOptions = {}): AsyncIterable<TreeChange> {
    return this.#state.changes.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#state.changes.close();
    await this.#lock.exclusive(async () => undefined);
  }

  async #node(path: TreePath, action: string, follow: boolean, options: OpOptions): Promise<LiveNode> {
    const { node } = await resolveLive(this.#state, path, { follow, keep: false, action }, options);
    if (node === undefined) throw new PathError('ENOENT', action, octetsToText(path));
    return node;
  }

  /** A node that exists, kept open, with its place unless it is the root. */
  async #placed(path: TreePath, action: string, follow: boolean, options: OpOptions) {
    const place = await placeOf(this.#state, path, action, options, follow);
    if (place === undefined) return { node: this.#state.root as LiveNode, place };
    if (place.node === undefined) throw new PathError('ENOENT', action, octetsToText(path));
    return { node: place.node, place };
  }

  /** Where a file's content goes: a symlink is followed, also to what does not exist yet. */
  async #writable(path: TreePath, options: OpOptions) {
    const place = await placeOf(this.#state, path, 'write', options, true);
    if (place === undefined || place.node?.sort === 'dir') throw new PathError('EISDIR', 'write', octetsToText(path));
    if (place.node !== undefined && place.node.dirent.kind !== 'file') throw new PathError('EINVAL', 'write', octetsToText(path));
    checkEntryName(place.name, 'write', path);
    return place;
  }

  #create(path: TreePath, action: string, options: OpOptions, make: (name: Octets) => Exclude<Dirent, IndirectDirent>): Promise<void> {
    return this.#changing(action, async () => {
      const place = await newPlace(this.#state, path, action, options);
      putEntry(this.#state, place, nodeOf(this.#state, place, make(place.name)));
      this.#state.changes.emit({ kind: 'names', path: place.path });
    });
  }

  async #listed(path: TreePath, dir: LiveDir, raw: RawEntry, options: OpOptions): Promise<TreeEntry | undefined> {
    const { name, entry } = raw;
    const at = joinPath(path, name);
    if (entry.sort === 'stored') return { path: at, name, dirent: entry.dirent, size: 0, nlink: 1, id: entryId(dir.id, name) };
    if (entry.sort !== 'link') return treeEntry(at, name, entry);
    const node = await findNode(this.#state.reader, dir, entry.uuid, options);
    if (node !== undefined) return treeEntry(at, name, node);
    // Removed since the listing began, or damaged.
    const now = await this.lookup(at, { ...options, follow: false });
    if (now === undefined) return undefined;
    throw danglingLink(at, entry.uuid);
  }

  #reading<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new ClosedError(action, this.name));
    return this.#lock.shared(work);
  }

  #changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (!this.can.write) return Promise.reject(new ReadOnlyError(action, this.name));
    return this.#alone(action, work);
  }

  #alone<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new ClosedError(action, this.name));
    return this.#lock.exclusive(work);
  }
}

/** Stores a content in this thread; the edge kernel is loaded at the first. */
async function storeHere(store: Store, content: AsyncIterable<Uint8Array>, options: OpOptions): Promise<Block> {
  const { storeContent } = await import('../blockify/store-content.ts');
  return await storeContent(store, content, options);
}

/** A Dirent whose Block tells its span: texts need not, Dirs must. */
async function withKnownSpans(
  store: Store,
  dirent: Exclude<Dirent, IndirectDirent>,
  options: OpOptions,
): Promise<Exclude<Dirent, IndirectDirent>> {
  if ((dirent.kind !== 'file' && dirent.kind !== 'dir') || dirent.block.span !== UNKNOWN_SPAN) return dirent;
  return { ...dirent, block: await withSpan(store, dirent.block, options.signal) };
}

/** Whether binding a Dirent would change nothing: a put of the same again leaves the Dir's mtime alone. */
function isSame(node: LiveNode, dirent: Exclude<Dirent, IndirectDirent>): boolean {
  if (node.sort === 'dir' ? node.stale : node.hard !== undefined || node.unsynced !== undefined) return false;
  const name = '' as Octets;
  return Buffer.compare(encodeDirent({ ...node.dirent, name }), encodeDirent({ ...dirent, name })) === 0;
}
