import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';
import type { Store } from '../store/store.ts';
import type { AdoptClash } from './adopt-clash.ts';
import type { TreePath } from './path.ts';

/** A node as a tree shows it: hard links are resolved. */
export interface TreeEntry {
  /** Of a listed entry it is made at each access, so that many held entries of a deep tree hold no paths. */
  readonly path: TreePath;
  /** The last element of the path; empty for the root. */
  readonly name: Octets;
  /** The node's own Dirent (for a hard link the node, under this name), as last synced: of a changed Dir its block may be stale. */
  readonly dirent: Exclude<Dirent, IndirectDirent>;
  /** Octets of content; of a symlink the target's, of a Dir 0. */
  readonly size: number;
  /** Names of the node. */
  readonly nlink: number;
  /** Of a Dir: something below it changed since its Block was made. */
  readonly isStale?: boolean;
  /** Unique in this tree while it is open; equal for all names of one node. */
  readonly id: number;
}

/** What a change of metadata sets; a field set to null is dropped. */
export type MetaChange = { readonly [Key in keyof Meta]?: Meta[Key] | null };

/** Something that changed, for completion caches, mounts and attached shells. */
export interface TreeChange {
  readonly kind: 'content' | 'meta' | 'names';
  readonly path: TreePath;
}

export interface TreeCapabilities {
  readonly write: boolean;
  /** `sync` gives a Dirref which opens the same tree again. */
  readonly sync: boolean;
}

export interface LookupOptions extends OpOptions {
  /** Follow a symlink in the last element; those before it are always followed. Default true. */
  readonly follow?: boolean;
}

/** How a file is written. */
export interface WriteOptions extends OpOptions {
  /** Makes a file only: a name that is there already is a PathError EEXIST, also if it was made meanwhile. */
  readonly onlyNew?: boolean | undefined;
}

/**
 * What shell, mount, control channel and HTTP all walk. Symlinks resolve within the tree: an absolute target starts
 * at its root. Errors of paths are PathErrors with POSIX names.
 */
export interface Tree extends AsyncDisposable {
  /** For messages and the prompt. */
  readonly name: string;
  /** What the prompt calls it, where it is another's: a mount. */
  readonly label?: string;
  readonly can: TreeCapabilities;
  /** The Store of its Blocks. */
  readonly store: Store;

  /** The node at a path, or undefined where there is none. */
  lookup(path: TreePath, options?: LookupOptions): Promise<TreeEntry | undefined>;
  /**
   * The entries of a Dir, sorted by name; streams.
   *
   * @param at - its path, or it itself as this tree listed it: then nothing is looked up from the root on, which is a step a level. A walk
   *   that goes down by entries takes time and memory in proportion to the depth, and not to its square
   */
  list(at: TreePath | TreeEntry, options?: OpOptions): AsyncIterable<TreeEntry>;
  /** Bytes `start` to `end` (exclusive; default: all) of a file. A chunk is valid until the next is asked for. */
  read(path: TreePath, range?: { readonly start?: number; readonly end?: number }, options?: OpOptions): AsyncIterable<Uint8Array>;
  /** The target of a symlink. */
  readlink(path: TreePath, options?: OpOptions): Promise<Octets>;
  /**
   * The Dirent of a path, self-contained. All below is stored, and it has the inode table of the hard links below, so that its
   * text opens the same tree anywhere. Its name is the path's last element.
   */
  dirent(path: TreePath, options?: OpOptions): Promise<Exclude<Dirent, IndirectDirent>>;

  /** Puts a Dirent at a path, replacing what is there. The parent must exist. Copies no data. */
  bind(path: TreePath, dirent: Exclude<Dirent, IndirectDirent>, options?: OpOptions): Promise<void>;
  /**
   * Where it can: brings the differences of two states of the whole tree onto it, difference by difference, so that whoever
   * holds what is the same goes on.
   *
   * @param before - what it is, self-contained
   */
  adopt?(before: DirDirent, after: DirDirent, options?: OpOptions): Promise<readonly AdoptClash[]>;
  mkdir(path: TreePath, meta: Meta, options?: OpOptions): Promise<void>;
  /** Where it can: gives a Dir salt, or takes it away. @param salt - 8 octets or more, random; undefined for none */
  setSalt?(path: TreePath, salt: Uint8Array | undefined, options?: OpOptions): Promise<void>;
  symlink(path: TreePath, target: Octets, meta: Meta, options?: OpOptions): Promise<void>;
  /** Adds a name for an existing node that is no Dir. */
  link(existing: TreePath, path: TreePath, options?: OpOptions): Promise<void>;
  /** Removes a name; a Dir must be empty unless `recursive`. */
  remove(path: TreePath, options?: OpOptions & { readonly recursive?: boolean }): Promise<void>;
  /** As rename(2): replaces a target of the same sort, a Dir only if empty. */
  rename(from: TreePath, to: TreePath, options?: OpOptions): Promise<void>;
  /** Copies a node or a whole Dir by reference: no data moves. Hard links among the copied stay links among the copies. */
  copy(from: TreePath, to: TreePath, options?: OpOptions): Promise<void>;
  setMeta(path: TreePath, change: MetaChange, options?: LookupOptions): Promise<void>;
  /** Makes or replaces a file's content; metadata of an existing file is kept, but for its mtime. */
  write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options?: WriteOptions): Promise<void>;

  /**
   * Whether the tree is this root, with all of it in Blocks: whether `sync` would give it again. Nothing that only reads the tree,
   * or stores it, changes the answer. A tree that has no root of its own is at any.
   *
   * @param root - undefined for the empty tree
   */
  isAt(root: Dirent | undefined): boolean;
  /** Goes up with each change that is made by these operations. */
  readonly revision: number;
  /** Stores what changed, flushes the Store and gives the self-contained Dirent of the root. Does not write the archive. */
  sync(options?: OpOptions): Promise<Dirent>;
  /** Changes, from now on. */
  watch(options?: OpOptions): AsyncIterable<TreeChange>;
}
