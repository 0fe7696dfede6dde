import { ReadOnlyError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import type { OpOptions } from '../core/base/op-options.ts';
import type { Dirent, IndirectDirent } from '../core/dirent/dirent.ts';
import type { Store } from '../core/store/store.ts';
import { LiveTree } from '../core/tree/live-tree.ts';
import type { LookupOptions, Tree, TreeCapabilities, TreeChange, TreeEntry, TreePath } from '../core/tree/tree.ts';

/** A tree that can be looked at and not changed: a past state. */
export class ReadOnlyTree implements Tree {
  readonly name: string;
  readonly can: TreeCapabilities = { write: false, sync: false };
  readonly changed = false;
  readonly #tree: Tree;

  constructor(tree: Tree, name: string) {
    this.#tree = tree;
    this.name = name;
  }

  get live(): LiveTree | undefined {
    return this.#tree instanceof LiveTree ? this.#tree : undefined;
  }

  get store(): Store {
    return this.#tree.store;
  }

  async lookup(path: TreePath, options?: LookupOptions): Promise<TreeEntry | undefined> {
    return await this.#tree.lookup(path, options);
  }

  list(path: TreePath, options?: OpOptions): AsyncIterable<TreeEntry> {
    return this.#tree.list(path, options);
  }

  read(path: TreePath, range?: { readonly start?: number; readonly end?: number }, options?: OpOptions): AsyncIterable<Uint8Array> {
    return this.#tree.read(path, range, options);
  }

  async readlink(path: TreePath, options?: OpOptions): Promise<Octets> {
    return await this.#tree.readlink(path, options);
  }

  async dirent(path: TreePath, options?: OpOptions): Promise<Exclude<Dirent, IndirectDirent>> {
    return await this.#tree.dirent(path, options);
  }

  async bind(): Promise<void> {
    throw this.#refused('bind in');
  }

  async mkdir(): Promise<void> {
    throw this.#refused('make a Dir in');
  }

  async symlink(): Promise<void> {
    throw this.#refused('make a symlink in');
  }

  async link(): Promise<void> {
    throw this.#refused('link in');
  }

  async remove(): Promise<void> {
    throw this.#refused('remove from');
  }

  async rename(): Promise<void> {
    throw this.#refused('rename in');
  }

  async copy(): Promise<void> {
    throw this.#refused('copy in');
  }

  async setMeta(): Promise<void> {
    throw this.#refused('change metadata in');
  }

  async write(): Promise<void> {
    throw this.#refused('write to');
  }

  async sync(): Promise<Dirent> {
    throw this.#refused('sync');
  }

  watch(options?: OpOptions): AsyncIterable<TreeChange> {
    return this.#tree.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tree[Symbol.asyncDispose]();
  }

  #refused(action: string): ReadOnlyError {
    return new ReadOnlyError(action, this.name);
  }
}
