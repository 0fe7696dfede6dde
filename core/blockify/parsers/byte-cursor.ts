import type { Parser } from '../parser.ts';

/** A part of a parser's coroutine, which gives a value when it is done. */
export type Steps<T> = Generator<number | undefined, T, Uint8Array | undefined>;

const EMPTY = new Uint8Array(0);

/** Octets at which `skip` takes no more than it can count exactly. */
const FARTHEST = Number.MAX_SAFE_INTEGER;

/** Reads the content that a parser is given, across its slices. Keeps no more than what one `read` asks for. */
export class ByteCursor {
  #slice: Uint8Array = EMPTY;
  /** Of the next octet in the slice. */
  #at = 0;
  /** Of the slice in the content. */
  #base = 0;

  /** Octets of the content that were read or skipped. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /**
   * The next `size` octets, valid until the cursor is used again.
   *
   * @param size - 1 to a few thousand: so many are held in memory
   * @returns undefined if the content ends before; all of it is consumed then
   */
  *read(size: number): Steps<Uint8Array | undefined> {
    if (this.#at + size <= this.#slice.length) {
      const found = this.#slice.subarray(this.#at, this.#at + size);
      this.#at += size;
      return found;
    }
    const gathered = new Uint8Array(size);
    for (let filled = 0; filled < size; ) {
      if (!(yield* this.#more())) return undefined;
      const part = this.#slice.subarray(this.#at, this.#at + size - filled);
      gathered.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
    return gathered;
  }

  /**
   * Passes over `size` octets; of those slices that have none but these nothing is looked at.
   *
   * @returns false if the content ends before, or `size` is no count
   */
  *skip(size: number): Steps<boolean> {
    const to = this.offset + size;
    if (!(size >= 0 && to <= FARTHEST)) return false;
    while (to > this.#base + this.#slice.length) {
      this.#at = this.#slice.length;
      if (!(yield* this.#more())) return false;
    }
    this.#at = to - this.#base;
    return true;
  }

  /**
   * What is left of the slice in hand, or all of the next one: consumed, valid until the cursor is used again.
   *
   * @returns undefined at the end of the content; else 1 octet or more
   */
  *rest(): Steps<Uint8Array | undefined> {
    if (!(yield* this.#more())) return undefined;
    const found = this.#slice.subarray(this.#at);
    this.#at = this.#slice.length;
    return found;
  }

  /** Takes back the last `size` octets of what `rest` gave. @param size - at most what it gave */
  unread(size: number): void {
    this.#at -= size;
  }

  /** Sees to it that the slice has an octet left. */
  *#more(): Steps<boolean> {
    while (this.#at >= this.#slice.length) {
      const next: Uint8Array | undefined = yield undefined;
      if (next === undefined) return false;
      this.#base += this.#slice.length;
      this.#slice = next;
      this.#at = 0;
    }
    return true;
  }
}

/** Lets the rest of the content pass: what a parser does that has lost its way, or has seen all it wants. */
export function* ignoreRest(): ReturnType<Parser['edges']> {
  while ((yield undefined) !== undefined);
}
