import type { HashFunction } from '../block/hash.ts';

/** Reads the block references of a superblock one after the other, without making objects. @see vt(5), "Block references" */
export class RefCursor {
  /**
   * The kind of the last reference. `odd` is any rare one: a sub-Block, another hash function, or one that does not parse. `decodeBlockref`
   * handles all kinds.
   */
  kind: 'hash' | 'indirect' | 'literal' | 'run' | 'odd' = 'odd';
  /** Bytes that it denotes. */
  span = 0;
  /** The offset of its digest, its literal bytes, or the byte of its run. */
  at = 0;
  /** The offset after it. */
  next = 0;
  readonly #enumeration: number;
  readonly #digestSize: number;

  /** @param hash - the expected hash function; references by another are odd */
  constructor(hash: HashFunction) {
    this.#enumeration = hash.enumeration;
    this.#digestSize = hash.digestSize;
  }

  /** Reads the reference, with length prefix, at an offset. */
  read(bytes: Uint8Array, offset: number): void {
    this.kind = 'odd';
    const length = bytes[offset] as number;
    const end = offset + 1 + length;
    // Our references are shorter than 128 bytes, as a literal has at most 32.
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
