import type { Octets } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import type { Meta } from './meta.ts';

/** The kind of a Dirent. `indirect` is one name of a hard-linked node. */
export type DirentKind = 'file' | 'dir' | 'symlink' | 'indirect' | 'fifo' | 'socket' | 'char' | 'block';

/** A field of a later version, kept unchanged. */
export interface UnknownField {
  readonly tag: number;
  readonly value: Uint8Array;
}

interface DirentCommon {
  /** One path element; empty for a root without a name. Never `.` or `..`; contains no NUL and no `/`. */
  readonly name: Octets;
  readonly meta: Meta;
  /** 16 bytes in hex with dashes: the identity of a hard-linked node. */
  readonly uuid?: string;
  /** The previous state of this Dirent: a Block whose bytes are one encoded Dirent. */
  readonly prev?: Block;
  /** In an inode table, the number of names of the node. */
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
  /** The inode table of the hard-linked nodes in and below this Dir: an encoded Dir of Dirents named by their uuids. */
  readonly inodes?: Block;
  /** The number of `indirect` names below, at any depth. Absent means 0. */
  readonly links?: number;
  /** Random bytes at the start of each of its leaves, so that nobody can guess contents from hashes. */
  readonly salt?: Uint8Array;
}

export interface SymlinkDirent extends DirentCommon {
  readonly kind: 'symlink';
  readonly target: Octets;
}

/** A name of the hard-linked node `uuid`, which is in an inode table of the nearest enclosing Dir that has it. */
export interface IndirectDirent extends DirentCommon {
  readonly kind: 'indirect';
  readonly uuid: string;
}

/** A FIFO, a socket or a device. It has no content. */
export interface SpecialDirent extends DirentCommon {
  readonly kind: 'fifo' | 'socket' | 'char' | 'block';
}

/** A named entry of a Dir. */
export type Dirent = FileDirent | DirDirent | SymlinkDirent | IndirectDirent | SpecialDirent;
