import type { HashFunction } from '../block/hash.ts';

/** Reads the block references of a superblock one after the other, making no object for any. @see vt(5), "Block references" */
export class RefCursor {
  /**
   * What the last reference was; `odd` is all that is rare (sub-Blocks, another hash function, what does not parse), for which there
   * is `decodeBlockref`.
   */
  kind: 'hash' | 'indirect' | 'literal' | 'run' | 'odd' = 'odd';
  /** Bytes denoted by it. */
  span = 0;
  /** Where its digest, its bytes, or its byte is. */
  at = 0;
  /** The byte after it. */
  next = 0;
  readonly #enumeration: number;
  readonly #digestSize: number;

  /** @param hash - of the digests; those of others are odd */
  constructor(hash: HashFunction) {
    this.#enumeration = hash.enumeration;
    this.#digestSize = hash.digestSize;
  }

  /** Reads the reference at an offset, with its length in front. */
  read(bytes: Uint8Array, offset: number): void {
    this.kind = 'odd';
    const length = bytes[offset] as number;
    const end = offset + 1 + length;
    // Lengths of two bytes are of none of ours: a literal has 32 bytes at most.
    if (length >= 0x80 || end > bytes.length) return;
    this.next = end;
    const flags = bytes[offset + 1] as number;
    let at = offset + 2;
    let span = 0;
    for (let octet = 0x80; octet >= 0x80; ) {
      octet = bytes[at++] as number;
      span = span * 128 + (octet & 0x7f);
      if (at > end || span > Number.MAX_SAFE_INTEGER) return;
    }
    this.span = span;
    if (flags <= 1) {
      if (bytes[at] !== this.#enumeration || at + 1 + this.#digestSize !== end) return;
      this.at = at + 1;
      this.kind = flags === 0 ? 'hash' : 'indirect';
    } else if (flags === 2) {
      this.at = at + 1;
      if (bytes[at] === 1 && at + 2 === end) this.kind = 'run';
      else if (bytes[at] === 2 && at + 1 + span === end) this.kind = 'literal';
    }
  }
}
