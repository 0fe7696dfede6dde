import type { LiveLeaf } from '../../core/tree/live/live-node.ts';
import type { LiveNodes } from '../../core/tree/live/live-nodes.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import type { Instant } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import type { FrontFile } from './write/front-file.ts';

/** A node that the kernel knows, with the state that only a mount needs. */
export interface Inode {
  readonly node: LiveNode;
  /** Lookups by the kernel that it has not forgotten yet. */
  lookups: number;
  /** Open files and Dirs. */
  opens: number;
  /** Set by utimens or a read; it is never stored. */
  atime: Instant | undefined;
  /** Present while part of its content is not in Blocks. */
  front: FrontFile | undefined;
  /** Time of the last write, ns since 1970, that is not in its Dirent yet. */
  writtenNs: bigint | undefined;
}

/** An inode of a node that is not a Dir. */
export type LeafInode = Inode & { readonly node: LiveLeaf };

/** The nodes that the kernel knows, by ino. Each is held in the live tree until the kernel has forgotten and closed it. */
export class InodeTable {
  readonly #nodes: LiveNodes;
  readonly #inodes = new Map<number, Inode>();
  #root: Inode;
  #asked = 0;

  constructor(nodes: LiveNodes) {
    this.#nodes = nodes;
    this.#root = inodeOf(nodes.root);
  }

  /** The inode of a number that the kernel was given. @throws FilesystemError ESTALE */
  get(ino: number): Inode {
    this.#asked++;
    if (ino === ROOT_INO) return this.#rootNow();
    const inode = this.#inodes.get(ino);
    if (inode === undefined) throw new FilesystemError('ESTALE');
    return inode;
  }

  /** How often `get` was called: about as often as there were requests. */
  get asked(): number {
    return this.#asked;
  }

  /** The inode of a number, if the kernel knows it. */
  find(ino: number): Inode | undefined {
    return ino === ROOT_INO ? this.#rootNow() : this.#inodes.get(ino);
  }

  /** The inode of a node, if the kernel knows it. */
  of(node: LiveNode): Inode | undefined {
    const inode = node === this.#nodes.root ? this.#rootNow() : this.#inodes.get(node.id);
    return inode?.node === node ? inode : undefined;
  }

  /** Gives a held node to the kernel: one more lookup. The table takes over the hold. @throws FilesystemError EIO if inos collide */
  give(node: LiveNode): Inode {
    let inode = this.#inodes.get(node.id);
    if (inode === undefined) {
      inode = inodeOf(node);
      this.#inodes.set(node.id, inode);
    } else if (inode.node === node) this.#nodes.release(node);
    // Two nodes have the same 52-bit hash.
    else throw new FilesystemError('EIO', `two nodes have the number ${node.id}`);
    inode.lookups++;
    return inode;
  }

  /** The kernel forgets this many lookups. */
  forget(ino: number, lookups: number): void {
    const inode = this.#inodes.get(ino);
    if (inode === undefined) return;
    inode.lookups = Math.max(0, inode.lookups - lookups);
    this.drop(inode);
  }

  /** Releases an inode that is no longer in use. */
  drop(inode: Inode): void {
    if (inode.lookups > 0 || inode.opens > 0 || inode === this.#root) return;
    // Content not stored yet is still being stored: the inode and its front stay.
    if (inode.front !== undefined && !this.#nodes.isRemoved(inode.node)) return;
    inode.front?.close();
    this.#inodes.delete(inode.node.id);
    this.#nodes.release(inode.node);
  }

  /** Every inode but the root's. */
  all(): IterableIterator<Inode> {
    return this.#inodes.values();
  }

  get size(): number {
    return this.#inodes.size;
  }

  #rootNow(): Inode {
    if (this.#root.node !== this.#nodes.root) this.#root = inodeOf(this.#nodes.root);
    return this.#root;
  }
}

function inodeOf(node: LiveNode): Inode {
  return { node, lookups: 0, opens: 0, atime: undefined, front: undefined, writtenNs: undefined };
}
