/** One leaf may take 1/MAX_SHARE of the ring, at most. */
const MAX_SHARE = 64;

interface Place {
  readonly start: number;
  readonly size: number;
}

/**
 * A cache of leaves by digest in one piece of memory: new leaves replace the oldest. One Buffer for each leaf took a sixth of the time
 * of scattered reads, as V8 has to track its memory outside the heap.
 */
export class LeafRing {
  readonly #size: number;
  #memory: Buffer | undefined;
  readonly #places = new Map<string, Place>();
  #at = 0;

  /** @param size - octets of the ring; memory is allocated with the first leaf */
  constructor(size: number) {
    this.#size = size;
  }

  /** Whether a leaf of this many octets is cached at all. */
  takes(size: number): boolean {
    return size > 0 && size <= this.#size / MAX_SHARE;
  }

  /** A leaf: a view that is valid until `room` is next called. */
  find(key: string): Uint8Array | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#memory?.subarray(place.start, place.start + place.size);
  }

  /** A buffer in the ring for a leaf accepted by `takes`; leaves there are dropped. */
  room(size: number): Buffer {
    this.#memory ??= Buffer.allocUnsafeSlow(this.#size);
    if (this.#at + size > this.#size) {
      this.#forget(this.#at, this.#size);
      this.#at = 0;
    }
    this.#forget(this.#at, this.#at + size);
    return this.#memory.subarray(this.#at, this.#at + size);
  }

  /** Caches the leaf in the buffer of the last call of `room`. */
  keep(key: string, size: number): void {
    // If the leaf is cached already, dropping its older place would remove the key of the new one.
    this.#places.delete(key);
    this.#places.set(key, { start: this.#at, size });
    this.#at += size;
  }

  clear(): void {
    this.#places.clear();
    this.#memory = undefined;
    this.#at = 0;
  }

  #forget(start: number, end: number): void {
    for (const [key, place] of this.#places) {
      if (place.start < start || place.start >= end) return;
      this.#places.delete(key);
    }
  }
}
