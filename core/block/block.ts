import type { HashCode } from './hashcode.ts';

/** Bytes stored under their hashcode. */
export interface HashBlock {
  readonly kind: 'hash';
  /** Bytes denoted, 0..2^53-1; {@link UNKNOWN_SPAN} in a text or superblock reference that does not say. */
  readonly span: number;
  readonly hashcode: HashCode;
}

/** A Block whose bytes are the concatenated bytes of the Blocks in its superblock. */
export interface IndirectBlock {
  readonly kind: 'indirect';
  /** Bytes of content denoted, the sum over the leaves. */
  readonly span: number;
  /** The superblock: its bytes are a concatenation of block references. */
  readonly refs: Exclude<Block, IndirectBlock>;
}

/** A short Block whose bytes are in the reference itself. */
export interface LiteralBlock {
  readonly kind: 'literal';
  readonly span: number;
  /** `span` bytes; never modified. */
  readonly data: Uint8Array;
}

/** One byte, repeated `span` times (RLE). */
export interface RunBlock {
  readonly kind: 'run';
  readonly span: number;
  /** 0..255 */
  readonly octet: number;
}

/** A part of another Block: bytes `offset` to `offset + span` of `base`. */
export interface SubBlock {
  readonly kind: 'sub';
  readonly span: number;
  readonly base: Block;
  readonly offset: number;
}

/** A reference to bytes: a value, which holds no Store. `span` is the bytes denoted. */
export type Block = HashBlock | IndirectBlock | LiteralBlock | RunBlock | SubBlock;

/** The span of a reference that does not give it; bytes never hold it. */
export const UNKNOWN_SPAN = -1;

/** A leaf of at most this many bytes becomes a literal: a hashed reference would be longer than the bytes. */
export const MAX_LITERAL_SIZE = 32;

/** The Block of no bytes. */
export const EMPTY_BLOCK: LiteralBlock = { kind: 'literal', span: 0, data: new Uint8Array(0) };

/** Whether two references are the same reference (not merely equal bytes). */
export function sameBlock(a: Block, b: Block): boolean {
  if (a.span !== b.span) return false;
  switch (a.kind) {
    case 'hash':
      return b.kind === 'hash' && a.hashcode.hashName === b.hashcode.hashName && Buffer.compare(a.hashcode.digest, b.hashcode.digest) === 0;
    case 'indirect':
      return b.kind === 'indirect' && sameSuperblock(a.refs, b.refs);
    case 'literal':
      return b.kind === 'literal' && Buffer.compare(a.data, b.data) === 0;
    case 'run':
      return b.kind === 'run' && a.octet === b.octet;
    case 'sub':
      return b.kind === 'sub' && a.offset === b.offset && sameBlock(a.base, b.base);
  }
}

function sameSuperblock(a: Block, b: Block): boolean {
  if (a.kind === 'hash' && b.kind === 'hash') return sameBlock({ ...a, span: 0 }, { ...b, span: 0 });
  return sameBlock(a, b);
}
