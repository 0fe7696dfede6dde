import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';
import type { Store } from '../store/store.ts';
import type { AdoptClash } from './adopt-clash.ts';
import type { TreePath } from './path.ts';

/** An entry of a tree, with hard links resolved to their nodes. */
export interface TreeEntry {
  /** For a listed entry, it is built at each access, so that entries take little memory in deep trees. */
  readonly path: TreePath;
  /** The last element of the path; empty for the root. */
  readonly name: Octets;
  /** The node's Dirent under this name, as last synced. For a changed Dir, its Block may be out of date. */
  readonly dirent: Exclude<Dirent, IndirectDirent>;
  /** Octets of the content; for a symlink, of its target; 0 for a Dir. */
  readonly size: number;
  /** Number of names of the node. */
  readonly nlink: number;
  /** For a Dir: something in or below it changed since its Block was made. */
  readonly isStale?: boolean;
  /** Unique in this tree while it is open; the same for all names of one node. */
  readonly id: number;
}

/** A change of metadata; a field set to null is removed. */
export type MetaChange = { readonly [Key in keyof Meta]?: Meta[Key] | null };

/** A change of a tree, for completion caches, mounts and attached shells. */
export interface TreeChange {
  readonly kind: 'content' | 'meta' | 'names';
  readonly path: TreePath;
}

/** What a tree supports. */
export interface TreeCapabilities {
  readonly write: boolean;
  /** `sync` returns a Dirref that opens the same tree again. */
  readonly sync: boolean;
}

/** Options of a look-up. */
export interface LookupOptions extends OpOptions {
  /** Follow a symlink in the last element; others are always followed. Default true. */
  readonly follow?: boolean;
}

/** Options for writing a file. */
export interface WriteOptions extends OpOptions {
  /** Only create a new file: an existing name, even one created meanwhile, is a PathError EEXIST. */
  readonly onlyNew?: boolean | undefined;
}

/**
 * The interface through which shell, mount, control channel and HTTP access trees. Symlinks resolve within the tree: an absolute target
 * starts at its root. Path errors are PathErrors with POSIX names.
 */
export interface Tree extends AsyncDisposable {
  /** For messages and the prompt. */
  readonly name: string;
  /** What the prompt shows if the tree belongs to another process: a mount. */
  readonly label?: string;
  readonly can: TreeCapabilities;
  /** The Store with its Blocks. */
  readonly store: Store;

  /** Finds the node at a path, or undefined. */
  lookup(path: TreePath, options?: LookupOptions): Promise<TreeEntry | undefined>;
  /**
   * Yields the entries of a Dir, sorted by name, as they arrive.
   *
   * @param at - its path, or an entry that this tree has listed. An entry saves the look-up from the root, one step per level: a walk by
   *   entries takes time and memory in proportion to the depth instead of its square
   */
  list(at: TreePath | TreeEntry, options?: OpOptions): AsyncIterable<TreeEntry>;
  /** Reads the bytes `start` to `end` (exclusive; default: all) of a file. A chunk is valid until the next is requested. */
  read(path: TreePath, range?: { readonly start?: number; readonly end?: number }, options?: OpOptions): AsyncIterable<Uint8Array>;
  /** Reads the target of a symlink. */
  readlink(path: TreePath, options?: OpOptions): Promise<Octets>;
  /**
   * Makes the self-contained Dirent of a path. Everything below is stored, and it has the inode table of the hard links below, so that
   * its text opens the same tree anywhere. Its name is the path's last element.
   */
  dirent(path: TreePath, options?: OpOptions): Promise<Exclude<Dirent, IndirectDirent>>;

  /** Puts a Dirent at a path, replacing an existing entry. The parent must exist. Copies no data. */
  bind(path: TreePath, dirent: Exclude<Dirent, IndirectDirent>, options?: OpOptions): Promise<void>;
  /**
   * Applies the differences between two states of the whole tree one by one, so that open files and other holders of unchanged nodes
   * can continue. Some trees lack this method.
   *
   * @param before - the present state, self-contained
   */
  adopt?(before: DirDirent, after: DirDirent, options?: OpOptions): Promise<readonly AdoptClash[]>;
  mkdir(path: TreePath, meta: Meta, options?: OpOptions): Promise<void>;
  /** Sets or removes the salt of a Dir. Some trees lack this method. @param salt - at least 8 random octets; undefined for none */
  setSalt?(path: TreePath, salt: Uint8Array | undefined, options?: OpOptions): Promise<void>;
  symlink(path: TreePath, target: Octets, meta: Meta, options?: OpOptions): Promise<void>;
  /** Adds a name for an existing node, which must not be a Dir. */
  link(existing: TreePath, path: TreePath, options?: OpOptions): Promise<void>;
  /** Removes a name; a Dir must be empty unless `recursive`. */
  remove(path: TreePath, options?: OpOptions & { readonly recursive?: boolean }): Promise<void>;
  /** As rename(2): replaces an existing target of the same sort; a Dir only if empty. */
  rename(from: TreePath, to: TreePath, options?: OpOptions): Promise<void>;
  /** Copies a node or a whole Dir by reference, without copying data. Hard links within the source become hard links within the copy. */
  copy(from: TreePath, to: TreePath, options?: OpOptions): Promise<void>;
  setMeta(path: TreePath, change: MetaChange, options?: LookupOptions): Promise<void>;
  /** Creates a file or replaces its content; an existing file keeps its metadata except the mtime. */
  write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options?: WriteOptions): Promise<void>;

  /**
   * Whether `sync` would return this root again, because the tree equals it and everything is in Blocks. Reading or storing the tree
   * does not change the result. A tree without a root of its own always returns true.
   *
   * @param root - undefined for the empty tree
   */
  isAt(root: Dirent | undefined): boolean;
  /** A counter that increases with each change by these operations. */
  readonly revision: number;
  /** Stores all changes, flushes the Store and returns the self-contained Dirent of the root. Does not write to the archive. */
  sync(options?: OpOptions): Promise<Dirent>;
  /** Yields changes from now on. */
  watch(options?: OpOptions): AsyncIterable<TreeChange>;
}
