/** Digests per chunk of memory: 1 MiB if they have 32 bytes. */
const CHUNK_DIGESTS = 32_768;
const FIRST_SLOTS = 4096;

/**
 * A compact map from digests to small numbers. An entry takes the bytes of its digest, one for the number, and 6 to 12 for the hash table.
 * Entries cannot be removed. Digests are uniformly distributed, so their first bytes serve as hash.
 */
export class DigestTable {
  readonly #size: number;
  /** 0 for an empty slot, else the index of a digest plus 1. The length is a power of 2, and at most two thirds are in use. */
  #slots = new Uint32Array(FIRST_SLOTS);
  readonly #digests: Buffer[] = [];
  readonly #values: Uint8Array[] = [];
  #count = 0;

  /** @param digestSize - bytes kept of each digest, at least 8. May be fewer than a digest has if a false match does no harm */
  constructor(digestSize: number) {
    this.#size = digestSize;
  }

  /** How many digests there are. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of memory in use. */
  get memory(): number {
    return this.#slots.byteLength + this.#digests.length * CHUNK_DIGESTS * (this.#size + 1);
  }

  /** The number of a digest, or 0 if it is not in the table. */
  get(digest: Uint8Array): number {
    const found = this.#slots[this.#slotOf(digest)] ?? 0;
    return found === 0 ? 0 : (this.#values[Math.floor((found - 1) / CHUNK_DIGESTS)]?.[(found - 1) % CHUNK_DIGESTS] ?? 0);
  }

  /** Whether a digest is in the table. */
  has(digest: Uint8Array): boolean {
    return this.#slots[this.#slotOf(digest)] !== 0;
  }

  /**
   * Adds a digest, or changes its number.
   *
   * @param value - 1..255
   * @returns whether the digest is new
   */
  set(digest: Uint8Array, value = 1): boolean {
    const slot = this.#slotOf(digest);
    const found = this.#slots[slot] ?? 0;
    const number = found === 0 ? this.#count : found - 1;
    const chunk = Math.floor(number / CHUNK_DIGESTS);
    if (found === 0) {
      if (chunk === this.#digests.length) {
        this.#digests.push(Buffer.allocUnsafeSlow(CHUNK_DIGESTS * this.#size));
        this.#values.push(new Uint8Array(CHUNK_DIGESTS));
      }
      this.#digests[chunk]?.set(digest.subarray(0, this.#size), (number % CHUNK_DIGESTS) * this.#size);
      this.#slots[slot] = ++this.#count;
    }
    const values = this.#values[chunk];
    if (values !== undefined) values[number % CHUNK_DIGESTS] = value;
    if (this.#count * 3 > this.#slots.length * 2) this.#grow();
    return found === 0;
  }

  /** The slot of a digest, or the empty slot for it. */
  #slotOf(digest: Uint8Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(digest) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0 || this.#isAt(found - 1, digest)) return slot;
    }
  }

  #isAt(number: number, digest: Uint8Array): boolean {
    const chunk = this.#digests[Math.floor(number / CHUNK_DIGESTS)];
    const at = (number % CHUNK_DIGESTS) * this.#size;
    if (chunk === undefined) return false;
    for (let i = 0; i < this.#size; i++) if (chunk[at + i] !== digest[i]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      const at = (number % CHUNK_DIGESTS) * this.#size;
      const chunk = this.#digests[Math.floor(number / CHUNK_DIGESTS)];
      let slot = chunk === undefined ? 0 : chunk.readUInt32LE(at) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

function hashOf(digest: Uint8Array): number {
  return ((digest[0] ?? 0) | ((digest[1] ?? 0) << 8) | ((digest[2] ?? 0) << 16) | ((digest[3] ?? 0) << 24)) >>> 0;
}
