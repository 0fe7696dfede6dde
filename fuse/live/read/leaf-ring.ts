/** Largest share of the ring that one leaf may take. */
const MAX_SHARE = 64;

interface Place {
  readonly start: number;
  readonly size: number;
}

/**
 * Leaves by their digests in one piece of memory, in the order in which they came: the oldest ones make room. A Buffer for each
 * leaf took a sixth of the time of scattered reads, as each has memory outside the heap, which V8 must know of.
 */
export class LeafRing {
  readonly #size: number;
  #memory: Buffer | undefined;
  readonly #places = new Map<string, Place>();
  #at = 0;

  /** @param size - bytes; memory is taken with the first leaf, and used as it fills */
  constructor(size: number) {
    this.#size = size;
  }

  /** Whether a leaf of so many bytes is kept at all. */
  takes(size: number): boolean {
    return size > 0 && size <= this.#size / MAX_SHARE;
  }

  /** A leaf: a view that is valid until `room` is next called. */
  find(key: string): Uint8Array | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#memory?.subarray(place.start, place.start + place.size);
  }

  /** Room for a leaf that `takes` takes; what was in it is forgotten. */
  room(size: number): Buffer {
    this.#memory ??= Buffer.allocUnsafeSlow(this.#size);
    if (this.#at + size > this.#size) {
      this.#forget(this.#at, this.#size);
      this.#at = 0;
    }
    this.#forget(this.#at, this.#at + size);
    return this.#memory.subarray(this.#at, this.#at + size);
  }

  /** Keeps what is in the room that was given last. */
  keep(key: string, size: number): void {
    // Where it is kept already, its older place would go first and take the key with it.
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
