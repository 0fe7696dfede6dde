/** Bits of a filter: 16 MiB, of which pages are taken as they are written. With 10 million digests one in 200 is asked for in vain. */
const FILTER_BITS = 2 ** 27;
/** Bits set for a digest. */
const PROBES = 4;

/** A Bloom filter of digests: what it has not seen is certainly new. */
export class DigestFilter {
  readonly #words = new Int32Array(FILTER_BITS / 32);

  /** Remembers a digest. */
  add(digests: Uint8Array, at: number): void {
    const step = word(digests, at + 12) | 1;
    for (let i = 0, bit = word(digests, at + 8); i < PROBES; i++, bit = (bit + step) | 0) {
      const index = bit & (FILTER_BITS - 1);
      this.#words[index >>> 5] = (this.#words[index >>> 5] as number) | (1 << (index & 31));
    }
  }

  /** False where a digest was never added; true where it may have been. */
  mayHave(digests: Uint8Array, at: number): boolean {
    const step = word(digests, at + 12) | 1;
    for (let i = 0, bit = word(digests, at + 8); i < PROBES; i++, bit = (bit + step) | 0) {
      const index = bit & (FILTER_BITS - 1);
      if (((this.#words[index >>> 5] as number) & (1 << (index & 31))) === 0) return false;
    }
    return true;
  }
}

function word(digests: Uint8Array, at: number): number {
  return (
    (digests[at] as number) | ((digests[at + 1] as number) << 8) | ((digests[at + 2] as number) << 16) | ((digests[at + 3] as number) << 24)
  );
}
