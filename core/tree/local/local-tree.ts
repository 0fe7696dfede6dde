import { linkSync, mkdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { ClosedError, PathError, throwIfCancelled, VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { holdNode } from '../../base/system/hold-node.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { systemOwnerNames } from '../../base/system/owner-names.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import { errorCode, pathBytes } from '../../base/system/system-error.ts';
import type { Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { Store } from '../../store/store.ts';
import { ChangeFeed } from '../change-feed.ts';
import { entryId } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { baseName, checkEntryName, joinPath } from '../path.ts';
import type { LookupOptions, MetaChange, Tree, TreeCapabilities, TreeChange, TreeEntry, WriteOptions } from '../tree.ts';
import { setLocalMeta } from './local-attributes.ts';
import { copyLocal } from './local-copy.ts';
import type { LocalNode } from './local-node.ts';
import { localDirent, localEntries, localNames, localNode, localTarget } from './local-node.ts';
import { checkLocalReplace, LocalPaths, localPathError, sameLocalNode } from './local-place.ts';
import { removeLocal } from './local-remove.ts';
import { readLocal, temporaryPath, writeLocal } from './local-write.ts';

type StoredDirent = Exclude<Dirent, IndirectDirent>;

/** Options of a local tree. */
export interface LocalTreeOptions {
  /** For messages and the prompt; default: the directory's path. */
  readonly name?: string;
  readonly owners?: OwnerNames;
  /** Stores the local file or directory at an absolute path; `dirent` needs it. */
  readonly importLocal?: (path: Octets, options: OpOptions) => Promise<StoredDirent>;
  /** Writes a Dirent's tree to an absolute local path; `bind` needs it. */
  readonly exportLocal?: (dirent: StoredDirent, path: Octets, options: OpOptions) => Promise<void>;
}

/**
 * Opens an ordinary directory as a tree. Symlinks in it resolve within it: an absolute target starts at the opened
 * directory, so that no path leads out.
 *
 * @param store - the Store for Blocks of `dirent`
 * @throws {VtError} EOPEN if it is not a readable directory
 */
export function openLocalTree(path: Octets, store: Store, options: LocalTreeOptions = {}): LocalTree {
  try {
    const real = octetsFromBytes(realpathSync.native(pathBytes(path), { encoding: 'buffer' }));
    const node = localNode(real);
    if (node?.kind === 'dir') return new LocalTree(node, store, options);
  } catch (cause) {
    throw new VtError('EOPEN', `open directory "${octetsToText(path)}": ${errorCode(cause) ?? 'cannot be read'}`, { cause });
  }
  throw new VtError('EOPEN', `open directory "${octetsToText(path)}": not a directory`);
}

/** An ordinary directory as a tree: changes are made on disk at once. Only Dirents from `dirent` have Blocks. */
export class LocalTree implements Tree {
  readonly name: string;
  readonly can: TreeCapabilities = { write: true, sync: false };
  readonly store: Store;
  readonly #paths: LocalPaths;
  readonly #options: LocalTreeOptions;
  readonly #owners: OwnerNames;
  readonly #changes = new ChangeFeed();
  readonly #turns = new EventTurns();
  #closed = false;

  constructor(root: LocalNode, store: Store, options: LocalTreeOptions) {
    this.#paths = new LocalPaths(root);
    this.store = store;
    this.#options = options;
    this.#owners = options.owners ?? systemOwnerNames();
    this.name = options.name ?? octetsToText(root.path);
  }

  lookup(path: TreePath, options: LookupOptions = {}): Promise<TreeEntry | undefined> {
    return this.#run('look up', path, async () => {
      try {
        const { node } = await this.#paths.resolve(path, 'look up', options.follow ?? true);
        return node === undefined ? undefined : this.#entry(path, baseName(path), node, true);
      } catch (error) {
        if (error instanceof PathError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
        throw error;
      }
    });
  }

  async *list(at: TreePath | TreeEntry, options: OpOptions = {}): AsyncGenerator<TreeEntry> {
    const path = typeof at === 'string' ? at : at.path;
    const dir = await this.#run('list', path, async () => {
      const found = await this.#paths.existing(path, 'list', true);
      if (found.kind !== 'dir') throw new PathError('ENOTDIR', 'list', path);
      return found;
    });
    try {
      const entries = localEntries(
        () => holdNode(dir.path, dir.stat),
        (node, name) => this.#entry(joinPath(path, name), name, node, false),
      );
      for (const entry of entries) {
        const turn = this.#turns.next();
        if (turn !== undefined) await turn;
        throwIfCancelled(options.signal);
        yield entry;
      }
    } catch (error) {
      throw localPathError(error, 'list', path);
    }
  }

  async *read(
    path: TreePath,
    range: { readonly start?: number; readonly end?: number } = {},
    options: OpOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const node = await this.#run('read', path, () => this.#paths.existing(path, 'read', true));
    if (node.kind === 'dir') throw new PathError('EISDIR', 'read', path);
    if (node.kind !== 'file') throw new PathError('EINVAL', 'read', path);
    try {
      yield* readLocal(() => holdNode(node.path, node.stat), range.start ?? 0, range.end ?? Number.MAX_SAFE_INTEGER, options.signal);
    } catch (error) {
      throw localPathError(error, 'read', path);
    }
  }

  readlink(path: TreePath, _options: OpOptions = {}): Promise<Octets> {
    return this.#run('read link', path, async () => {
      const node = await this.#paths.existing(path, 'read link', false);
      if (node.kind !== 'symlink') throw new PathError('EINVAL', 'read link', path);
      return localTarget(node);
    });
  }

  dirent(path: TreePath, options: OpOptions = {}): Promise<StoredDirent> {
    return this.#run('read', path, async () => {
      const { importLocal } = this.#options;
      if (importLocal === undefined)
        throw new VtError('EUNSUPPORTED', `store "${octetsToText(path)}": this tree was opened without a Store`);
      const node = await this.#paths.existing(path, 'read', false);
      using reached = reachPath(node.path);
      return { ...(await importLocal(reached.path, options)), name: baseName(path) };
    });
  }

  bind(path: TreePath, dirent: StoredDirent, options: OpOptions = {}): Promise<void> {
    return this.#change('bind', 'names', path, async () => {
      const { exportLocal } = this.#options;
      if (exportLocal === undefined)
        throw new VtError('EUNSUPPORTED', `bind "${octetsToText(path)}": a local directory cannot hold Dirents`, { remedy: 'use get' });
      const place = await this.#paths.place(path, 'bind', false);
      checkEntryName(place.name, 'bind', path);
      // Write everything beside it, then rename it into place.
      const temporary = temporaryPath(place.dir);
      using made = reachPath(temporary);
      try {
        await exportLocal({ ...dirent, name: place.name }, made.path, options);
        if (place.node !== undefined) removeLocal(place.path, options.signal);
        renameLocal(temporary, place.path);
      } catch (error) {
        removeLocal(temporary);
        throw error;
      }
    });
  }

  mkdir(path: TreePath, meta: Meta, _options: OpOptions = {}): Promise<void> {
    return this.#change('make directory', 'names', path, async () => {
      const place = await this.#paths.newPlace(path, 'make directory');
      using reached = reachPath(place.path);
      mkdirSync(reached.bytes, meta.mode ?? 0o777);
      this.#applyNew(place.path, meta);
    });
  }

  symlink(path: TreePath, target: Octets, meta: Meta, _options: OpOptions = {}): Promise<void> {
    return this.#change('make symlink', 'names', path, async () => {
      const place = await this.#paths.newPlace(path, 'make symlink');
      using reached = reachPath(place.path);
      symlinkSync(pathBytes(target), reached.bytes);
      this.#applyNew(place.path, meta);
    });
  }

  link(existing: TreePath, path: TreePath, _options: OpOptions = {}): Promise<void> {
    return this.#change('link', 'names', path, async () => {
      const from = await this.#paths.existingPlace(existing, 'link');
      const to = await this.#paths.newPlace(path, 'link');
      if (from.node.kind === 'dir') throw new PathError('EPERM', 'link', existing);
      using existingPath = reachPath(from.path);
      using newPath = reachPath(to.path);
      linkSync(existingPath.bytes, newPath.bytes);
    });
  }

  remove(path: TreePath, options: OpOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    return this.#change('remove', 'names', path, async () => {
      const { node } = await this.#paths.existingPlace(path, 'remove');
      if (options.recursive !== true && node.kind === 'dir' && localNames(node).length > 0) {
        throw new PathError('ENOTEMPTY', 'remove', path);
      }
      removeLocal(node.path, options.signal);
    });
  }

  rename(from: TreePath, to: TreePath, _options: OpOptions = {}): Promise<void> {
    return this.#change('rename', 'names', to, async () => {
      const source = await this.#paths.existingPlace(from, 'rename');
      const target = await this.#paths.place(to, 'rename', false, 'ENOTEMPTY');
      checkEntryName(target.name, 'rename', to);
      if (target.node !== undefined && sameLocalNode(source.node, target.node)) return;
      renameLocal(source.path, target.path);
      this.#changes.emit({ kind: 'names', path: from });
    });
  }

  copy(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    return this.#change('copy', 'names', to, async () => {
      const source = await this.#paths.existing(from, 'copy', false);
      const target = await this.#paths.place(to, 'copy', false);
      checkEntryName(target.name, 'copy', to);
      if (target.node !== undefined && sameLocalNode(source, target.node)) throw new PathError('EINVAL', 'copy', from);
      if (source.kind === 'dir' && `${target.path}/`.startsWith(`${source.path === '/' ? '' : source.path}/`)) {
        throw new PathError('EINVAL', 'copy', from);
      }
      checkLocalReplace(source, target.node, 'copy', to);
      const temporary = temporaryPath(target.dir);
      try {
        await copyLocal(source.path, temporary, this.#owners, options.signal);
        renameLocal(temporary, target.path);
      } catch (error) {
        removeLocal(temporary);
        throw error;
      }
    });
  }

  setMeta(path: TreePath, change: MetaChange, options: LookupOptions = {}): Promise<void> {
    return this.#change('change', 'meta', path, async () => {
      setLocalMeta(await this.#paths.existing(path, 'change', options.follow ?? true), change, this.#owners);
    });
  }

  write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options: WriteOptions = {}): Promise<void> {
    return this.#change('write', 'content', path, async () => {
      const place = await this.#paths.place(path, 'write', true, 'EISDIR');
      if (place.node?.kind === 'dir') throw new PathError('EISDIR', 'write', path);
      if (place.node !== undefined && place.node.kind !== 'file') throw new PathError('EINVAL', 'write', path);
      checkEntryName(place.name, 'write', path);
      if (place.node !== undefined && options.onlyNew === true) throw new PathError('EEXIST', 'write', path);
      await writeLocal(place, content, meta, this.#owners, options);
    });
  }

  /** The number of changes made through this tree. */
  get revision(): number {
    return this.#changes.revision;
  }

  isAt(): boolean {
    return true;
  }

  sync(_options: OpOptions = {}): Promise<Dirent> {
    return Promise.reject(
      new VtError('EUNSUPPORTED', `sync "${this.name}": an ordinary directory has no Dirref`, { remedy: 'put it into a Store' }),
    );
  }

  watch(options: OpOptions = {}): AsyncIterable<TreeChange> {
    return this.#changes.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#changes.close();
    return Promise.resolve();
  }

  #entry(path: TreePath, name: Octets, node: LocalNode, xattrs: boolean): TreeEntry {
    const dirent = localDirent(node, name, this.#owners, xattrs);
    const size = node.kind === 'file' || node.kind === 'symlink' ? Number(node.stat.size) : 0;
    // Inode numbers are unique only within one filesystem, and others may be mounted below.
    const { dev, ino, nlink } = node.stat;
    const id = dev === this.#paths.root.stat.dev && ino < 2n ** 52n ? Number(ino) : entryId(Number(dev), String(ino) as Octets);
    return { path, name, dirent, size, nlink: node.kind === 'dir' ? 1 : Number(nlink), id };
  }

  #applyNew(path: Octets, meta: Meta): void {
    const node = localNode(path);
    if (node !== undefined) setLocalMeta(node, meta, this.#owners);
  }

  async #run<T>(action: string, path: TreePath, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new ClosedError(action, this.name);
    const turn = this.#turns.next();
    if (turn !== undefined) await turn;
    try {
      return await work();
    } catch (error) {
      throw localPathError(error, action, path);
    }
  }

  async #change(action: string, kind: TreeChange['kind'], path: TreePath, work: () => Promise<void>): Promise<void> {
    await this.#run(action, path, work);
    this.#changes.emit({ kind, path });
  }
}

function renameLocal(from: Octets, to: Octets): void {
  using old = reachPath(from);
  using target = reachPath(to);
  renameSync(old.bytes, target.bytes);
}
