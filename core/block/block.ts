import type { HashCode } from './hashcode.ts';

/** Bytes stored under their hashcode. */
export interface HashBlock {
  readonly kind: 'hash';
  /** Bytes denoted, 0..2^53-1; {@link UNKNOWN_SPAN} for a text without span, and for a decoded superblock. */
  readonly span: number;
  readonly hashcode: HashCode;
}

/** A Block whose bytes are those of the Blocks in its superblock, concatenated. */
export interface IndirectBlock {
  readonly kind: 'indirect';
  /** Bytes of content denoted: the sum over the leaves. */
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

/** A reference to bytes, without a Store. `span` is the number of bytes denoted. */
export type Block = HashBlock | IndirectBlock | LiteralBlock | RunBlock | SubBlock;

/** The span of a reference that does not have one. It is never encoded in bytes. */
export const UNKNOWN_SPAN = -1;

/** The maximum size of a literal, in bytes: for so few bytes a hashed reference would be longer. */
export const MAX_LITERAL_SIZE = 32;

/** The empty Block. */
export const EMPTY_BLOCK: LiteralBlock = { kind: 'literal', span: 0, data: new Uint8Array(0) };

/** Whether two references are equal. Different references may denote equal bytes. */
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
