interface Entry<Value> {
  value: Value;
  readonly size: number;
  /** It was used since it was last put at the end of the order. */
  isUsed: boolean;
}

/** The limits of a {@link RecentMap}. */
export interface RecentMapOptions<Key, Value> {
  /** The maximum sum of the sizes of all values. */
  readonly maxSize: number;
  /** The size of a value; by default 1, so that `maxSize` is a number of values. */
  readonly sizeOf?: (value: Value, key: Key) => number;
  /** Called with each value that is dropped or replaced. */
  readonly dropped?: (value: Value) => void;
}

/**
 * A map with a size limit. If it is full, it drops values that have not been used recently.
 *
 * A use only marks a value. A marked value is kept once more when its turn to be dropped comes (the CLOCK algorithm). The usual way is to
 * move a used value to the end of a Map. That is slow for a key that is used many times, because V8 leaves deleted keys in their hash
 * chain until it rehashes the Map. With 10,000 entries each use took 20 µs.
 */
export class RecentMap<Key, Value> {
  readonly #maxSize: number;
  readonly #sizeOf: (value: Value, key: Key) => number;
  readonly #dropped: ((value: Value) => void) | undefined;
  readonly #entries = new Map<Key, Entry<Value>>();
  #size = 0;

  constructor({ maxSize, sizeOf = () => 1, dropped }: RecentMapOptions<Key, Value>) {
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
    this.#dropped = dropped;
  }

  /** Returns a value and marks it as used. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.value;
  }

  /** Whether there is a value; does not mark it as used. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Sets or replaces a value. A value larger than the limit is not kept. @returns whether it was kept */
  set(key: Key, value: Value): boolean {
    this.delete(key);
    const size = this.#sizeOf(value, key);
    if (size > this.#maxSize) return false;
    while (this.#size + size > this.#maxSize) this.#makeRoom();
    this.#entries.set(key, { value, size, isUsed: false });
    this.#size += size;
    return true;
  }

  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (!entry.isUsed) {
        this.delete(key);
        return;
      }
      entry.isUsed = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
  }

  /** Drops a value. @returns whether it was there */
  delete(key: Key): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#size -= entry.size;
    this.#dropped?.(entry.value);
    return true;
  }

  /** Drops all values. */
  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }
}
