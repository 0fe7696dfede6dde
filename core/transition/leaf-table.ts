import type { HashFunction } from '../block/hash.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { codecByNumber } from '../store/records/datafile.ts';

/** Maximum number of leaves in memory: some 110 MB. The names of others are looked up in files. */
const MAX_LEAVES = 2 ** 20;
const FIRST_LEAVES = 4096;

/** Leaves with their digests under two hash functions, in columns. */
export interface RenamedLeaves {
  readonly count: number;
  /** Concatenated digests under the Store's function, and under the other. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly sizes: ArrayLike<number>;
  /** Offset of each one's stored octets in a data file, and its encoding. */
  readonly places?: {
    readonly offsets: ArrayLike<number>;
    readonly storedSizes: ArrayLike<number>;
    readonly codecs: ArrayLike<number>;
  };
}

/**
 * A table of Blocks' digests under two hash functions, and their places, in columns. A look-up takes 0.1 µs and allocates nothing.
 * Entries are never removed. Digests are uniform, so their first octets serve as hash values.
 */
export class LeafTable {
  readonly #fromSize: number;
  readonly #toSize: number;
  readonly #files: string[] = [];
  #capacity = FIRST_LEAVES;
  #count = 0;
  /** A hash table: 0 for a free slot, else a leaf's number plus 1. Its length is a power of 2; at most half of the slots are used. */
  #slots = new Uint32Array(2 * FIRST_LEAVES);
  #from: Uint8Array;
  #to: Uint8Array;
  #sizes = new Uint32Array(FIRST_LEAVES);
  #storedSizes = new Uint32Array(FIRST_LEAVES);
  #codecs = new Uint8Array(FIRST_LEAVES);
  #offsets = new Float64Array(FIRST_LEAVES);
  /** The number of each leaf's file plus 1; 0 if the place is unknown. */
  #fileNumbers = new Uint32Array(FIRST_LEAVES);

  constructor(from: HashFunction, to: HashFunction) {
    this.#fromSize = from.digestSize;
    this.#toSize = to.digestSize;
    this.#from = new Uint8Array(FIRST_LEAVES * from.digestSize);
    this.#to = new Uint8Array(FIRST_LEAVES * to.digestSize);
  }

  /** Number of leaves. */
  get count(): number {
    return this.#count;
  }

  /** Whether the table is full. */
  get isFull(): boolean {
    return this.#count === MAX_LEAVES;
  }

  /** Finds the digest of a leaf under the other function, as a view; undefined if the leaf is not in the table. */
  find(digest: Uint8Array): Uint8Array | undefined {
    const found = this.#slots[this.#slotOf(digest, 0)] as number;
    return found === 0 ? undefined : this.#to.subarray((found - 1) * this.#toSize, found * this.#toSize);
  }

  /** Whether the table has a leaf. @param digest - contains its digest under the first function at offset `at` */
  has(digest: Uint8Array, at: number): boolean {
    return this.#slots[this.#slotOf(digest, at)] !== 0;
  }

  /**
   * Adds a leaf. If a leaf has two places, either may be kept.
   *
   * @param file - its data file; undefined if its place does not matter
   */
  add(leaves: RenamedLeaves, i: number, file: string | undefined): 'new' | 'known' | 'full' {
    const count = this.#count;
    const at = this.put(leaves.before, i * this.#fromSize, leaves.after, i * this.#toSize);
    if (at === undefined) return 'full';
    if (file !== undefined && leaves.places !== undefined) {
      const { storedSizes, codecs, offsets } = leaves.places;
      if (this.#files.at(-1) !== file) this.#files.push(file);
      this.#sizes[at] = leaves.sizes[i] as number;
      this.#storedSizes[at] = storedSizes[i] as number;
      this.#codecs[at] = codecs[i] as number;
      this.#offsets[at] = offsets[i] as number;
      this.#fileNumbers[at] = this.#files.length;
    }
    return this.#count > count ? 'new' : 'known';
  }

  /** Adds a leaf's two digests. @returns the number of the leaf; undefined if the table is full */
  put(before: Uint8Array, beforeAt: number, after: Uint8Array, afterAt: number): number | undefined {
    const slot = this.#slotOf(before, beforeAt);
    const found = this.#slots[slot] as number;
    if (found !== 0) return found - 1;
    if (this.#count === MAX_LEAVES) return undefined;
    const number = this.#count++;
    this.#slots[slot] = this.#count;
    if (number === this.#capacity) this.#grow();
    copy(this.#from, number * this.#fromSize, before, beforeAt, this.#fromSize);
    copy(this.#to, number * this.#toSize, after, afterAt, this.#toSize);
    if (2 * this.#count > this.#slots.length) this.#spread();
    return number;
  }

  /** Yields the places of leaves by their digests under the other function. A digest is valid until the next one. */
  *places(): Generator<readonly [digest: Uint8Array, location: Location], void, undefined> {
    for (let i = 0; i < this.#count; i++) {
      const file = this.#files[(this.#fileNumbers[i] as number) - 1];
      if (file === undefined) continue;
      const location: Location = {
        file,
        offset: this.#offsets[i] as number,
        storedSize: this.#storedSizes[i] as number,
        size: this.#sizes[i] as number,
        codec: codecByNumber(this.#codecs[i] as number),
      };
      yield [this.#to.subarray(i * this.#toSize, (i + 1) * this.#toSize), location];
    }
  }

  /** Whether the place of a leaf is known. @param digest - under the first function */
  hasPlace(digest: Uint8Array): boolean {
    const found = this.#slots[this.#slotOf(digest, 0)] as number;
    return found !== 0 && this.#fileNumbers[found - 1] !== 0;
  }

  /** The slot of a digest, or the free slot where it would go. */
  #slotOf(digests: Uint8Array, at: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = wordAt(digests, at) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] as number;
      if (found === 0 || this.#isAt(found - 1, digests, at)) return slot;
    }
  }

  #isAt(number: number, digests: Uint8Array, at: number): boolean {
    const start = number * this.#fromSize;
    for (let i = 0; i < this.#fromSize; i++) if (this.#from[start + i] !== digests[at + i]) return false;
    return true;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <T extends Uint8Array | Uint32Array | Float64Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#from = grown(new Uint8Array(this.#capacity * this.#fromSize), this.#from);
    this.#to = grown(new Uint8Array(this.#capacity * this.#toSize), this.#to);
    this.#sizes = grown(new Uint32Array(this.#capacity), this.#sizes);
    this.#storedSizes = grown(new Uint32Array(this.#capacity), this.#storedSizes);
    this.#codecs = grown(new Uint8Array(this.#capacity), this.#codecs);
    this.#offsets = grown(new Float64Array(this.#capacity), this.#offsets);
    this.#fileNumbers = grown(new Uint32Array(this.#capacity), this.#fileNumbers);
  }

  #spread(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      let slot = wordAt(this.#from, number * this.#fromSize) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** Copies octets with a loop, which is faster than a call for so few. */
function copy(to: Uint8Array, toAt: number, from: Uint8Array, fromAt: number, size: number): void {
  for (let i = 0; i < size; i++) to[toAt + i] = from[fromAt + i] as number;
}

function wordAt(octets: Uint8Array, at: number): number {
  return (
    ((octets[at] as number) |
      ((octets[at + 1] as number) << 8) |
      ((octets[at + 2] as number) << 16) |
      ((octets[at + 3] as number) << 24)) >>>
    0
  );
}
