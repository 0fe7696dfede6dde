import type { Octets } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import type { Meta } from './meta.ts';

/** What a Dirent is. `indirect` is one name of a hard-linked node. */
export type DirentKind = 'file' | 'dir' | 'symlink' | 'indirect' | 'fifo' | 'socket' | 'char' | 'block';

/** A field of a later version, kept as it came. */
export interface UnknownField {
  readonly tag: number;
  readonly value: Uint8Array;
}

interface DirentCommon {
  /** One path element; empty for a root without a name. Never `.`, `..`, nor with a NUL or `/` within. */
  readonly name: Octets;
  readonly meta: Meta;
  /** 16 bytes in hex with dashes: the identity of a hard-linked node. */
  readonly uuid?: string;
  /** The previous state of this Dirent: a Block whose bytes are one encoded Dirent. */
  readonly prev?: Block;
  /** In an inode table: how many names the node has. */
  readonly nlink?: number;
  readonly unknown?: readonly UnknownField[];
}

export interface FileDirent extends DirentCommon {
  readonly kind: 'file';
  readonly block: Block;
}

export interface DirDirent extends DirentCommon {
  readonly kind: 'dir';
  /** The encoded Dir. */
  readonly block: Block;
  /** The table of the hard-linked nodes of this Dir and all below: an encoded Dir of Dirents named by their uuids. */
  readonly inodes?: Block;
  /** The number of `indirect` names below, at any depth. Absent means 0. */
  readonly links?: number;
  /** Random bytes which are at the start of each of its Blocks, so that their hashes tell nobody the contents. */
  readonly salt?: Uint8Array;
}

export interface SymlinkDirent extends DirentCommon {
  readonly kind: 'symlink';
  readonly target: Octets;
}

/** A name of the hard-linked node `uuid`, found in the nearest enclosing Dir's inode table that has it. */
export interface IndirectDirent extends DirentCommon {
  readonly kind: 'indirect';
  readonly uuid: string;
}

/** A FIFO, a socket or a device: recorded, without content. */
export interface SpecialDirent extends DirentCommon {
  readonly kind: 'fifo' | 'socket' | 'char' | 'block';
}

/** A named entry of a Dir. */
export type Dirent = FileDirent | DirDirent | SymlinkDirent | IndirectDirent | SpecialDirent;
