import { ReadOnlyError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import type { Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import type { Store } from '../../core/store/store.ts';
import { LiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { LookupOptions, Tree, TreeCapabilities, TreeChange, TreeEntry } from '../../core/tree/tree.ts';

/** A tree that can only be read: a past state, or an ordinary directory opened without -w. */
export class ReadOnlyTree implements Tree {
  readonly name: string;
  readonly can: TreeCapabilities = { write: false, sync: false };
  readonly #tree: Tree;
  readonly #remedy: string | undefined;

  /** @param remedy - how it could be changed */
  constructor(tree: Tree, name: string, remedy?: string) {
    this.#tree = tree;
    this.name = name;
    this.#remedy = remedy;
  }

  /** The error of a refused change. @param action - the attempted action, for the message */
  refusal(action: string): ReadOnlyError {
    return new ReadOnlyError(action, this.name, this.#remedy === undefined ? {} : { remedy: this.#remedy });
  }

  get live(): LiveTree | undefined {
    return this.#tree instanceof LiveTree ? this.#tree : undefined;
  }

  get store(): Store {
    return this.#tree.store;
  }

  get revision(): number {
    return this.#tree.revision;
  }

  async lookup(path: TreePath, options?: LookupOptions): Promise<TreeEntry | undefined> {
    return await this.#tree.lookup(path, options);
  }

  list(at: TreePath | TreeEntry, options?: OpOptions): AsyncIterable<TreeEntry> {
    return this.#tree.list(at, options);
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
    throw this.refusal('bind in');
  }

  async mkdir(): Promise<void> {
    throw this.refusal('make a Dir in');
  }

  async symlink(): Promise<void> {
    throw this.refusal('make a symlink in');
  }

  async link(): Promise<void> {
    throw this.refusal('link in');
  }

  async remove(): Promise<void> {
    throw this.refusal('remove from');
  }

  async rename(): Promise<void> {
    throw this.refusal('rename in');
  }

  async copy(): Promise<void> {
    throw this.refusal('copy in');
  }

  async setMeta(): Promise<void> {
    throw this.refusal('change metadata in');
  }

  async write(): Promise<void> {
    throw this.refusal('write to');
  }

  isAt(): boolean {
    return true;
  }

  async sync(): Promise<Dirent> {
    throw this.refusal('sync');
  }

  watch(options?: OpOptions): AsyncIterable<TreeChange> {
    return this.#tree.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tree[Symbol.asyncDispose]();
  }
}
