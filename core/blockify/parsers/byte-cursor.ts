import { largestOf } from '../../base/lists.ts';
import { ASK_MARK, NOWHERE, type ParserMark, type ParserSteps } from '../parser.ts';

/** A part of a parser's coroutine, which returns a value. */
export type Steps<T> = ParserSteps<T>;

/** Bytes before a needle that `pass` returns. */
const CONTEXT_SIZE = 2;

/**
 * Bytes in which `pass` searches several needles first; the number doubles at each step. Otherwise rare needles would be searched far
 * beyond the next frequent one, again and again. So the work is linear in the bytes passed.
 */
const SEARCH_STEP = 128;

/** A needle that `pass` found. */
export interface FoundNeedle {
  /** The index of the needle in the arguments. */
  readonly index: number;
  readonly before: Uint8Array;
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** The largest offset of `skip`. */
const FARTHEST = Number.MAX_SAFE_INTEGER;

/** Reads the content of a parser, across slices. Keeps at most the bytes of one `read`. */
export class ByteCursor {
  #slice: Uint8Array = EMPTY;
  /** The offset of the next byte in the slice. */
  #at = 0;
  /** The offset of the slice in the content. */
  #base = 0;
  #mark: ParserMark | undefined;
  /** Bytes to read before the next slice is requested, in reverse order. */
  readonly #stash: Uint8Array[] = [];

  /** @param from - the offset in the content of the first bytes */
  constructor(from = 0) {
    this.#base = from;
  }

  /**
   * Declares that a parser that starts at `from` with this state behaves like this one.
   *
   * @param from - the offset of the next byte, or a later one if nothing depends on the bytes before it
   */
  mark(state: readonly number[], from = this.offset): void {
    this.#mark = { from, state };
  }

  /** The offset of the next byte in the content. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /**
   * The next `size` bytes, valid until the cursor is used again.
   *
   * @param size - 1 to a few thousand, which are kept in memory
   * @returns undefined if the content ends before; then everything is consumed
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
   * Skips `size` bytes, without accessing them.
   *
   * @returns false if the content ends before, or `size` is not a valid count
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
   * Consumes and returns the rest of the current slice, or the whole next one. The bytes are valid until the cursor is used again.
   *
   * @returns undefined at the end of the content; else 1 byte or more
   */
  *rest(): Steps<Uint8Array | undefined> {
    if (!(yield* this.#more())) return undefined;
    const found = this.#slice.subarray(this.#at);
    this.#at = this.#slice.length;
    return found;
  }

  /**
   * Puts bytes back, to be read again. They must be the last ones that `read` or `rest` returned.
   *
   * @param octets - up to a few thousand, or bytes of `rest`
   */
  unread(octets: Uint8Array): void {
    if (octets.length <= this.#at) {
      this.#at -= octets.length;
      return;
    }
    // They came in several slices.
    this.#base = this.offset - octets.length;
    this.#stash.push(this.#slice.subarray(this.#at));
    this.#slice = octets.slice();
    this.#at = 0;
  }

  /**
   * Skips everything up to the end of the first needle found.
   *
   * @param needles - a few bytes each; they must not be able to overlap each other
   * @returns the index of the needle, and at most 2 bytes before it; undefined if none follows
   */
  *pass(...needles: readonly Uint8Array[]): Steps<FoundNeedle | undefined> {
    // The end of the slices passed, in which a needle or the bytes before it may begin.
    let carry = EMPTY;
    const longest = largestOf(needles.map(({ length }) => length));
    const most = longest + CONTEXT_SIZE - 1;
    while (yield* this.#more()) {
      const rest = this.#slice.subarray(this.#at);
      // Nothing is copied if the needle is near.
      const joint = carry.length === 0 ? rest.subarray(0, most) : Buffer.concat([carry, rest.subarray(0, most)]);
      const astride = carry.length === 0 ? undefined : firstOf(needles, Buffer.from(joint.buffer, joint.byteOffset, joint.length));
      if (astride !== undefined && astride.start < carry.length) {
        this.#at += astride.end - carry.length;
        return { index: astride.index, before: joint.subarray(Math.max(0, astride.start - CONTEXT_SIZE), astride.start) };
      }
      let step = needles.length === 1 ? rest.length : SEARCH_STEP;
      for (let from = 0; from < rest.length; from += step, step *= 2) {
        const part = Buffer.from(rest.buffer, rest.byteOffset + from, Math.min(rest.length - from, step + longest - 1));
        const found = firstOf(needles, part);
        if (found === undefined) continue;
        const start = from + found.start;
        this.#at += from + found.end;
        const context =
          start >= CONTEXT_SIZE ? rest.subarray(start - CONTEXT_SIZE, start) : joint.subarray(0, carry.length + start).slice(-CONTEXT_SIZE);
        return { index: found.index, before: context };
      }
      carry = Buffer.concat([carry, rest.subarray(Math.max(0, rest.length - most))]).subarray(-most);
      this.#at = this.#slice.length;
    }
    return undefined;
  }

  /** Ensures that the slice has a byte left. @returns false at the end of the content */
  *#more(): Steps<boolean> {
    while (this.#at >= this.#slice.length) {
      const next: Uint8Array | undefined = this.#stash.pop() ?? (yield undefined);
      if (next === undefined) return false;
      if (next === ASK_MARK) {
        if (this.#mark !== undefined) yield this.#mark;
        continue;
      }
      this.#base += this.#slice.length;
      this.#slice = next;
      this.#at = 0;
    }
    return true;
  }
}

/** The first needle in `octets`, and its offsets. */
function firstOf(needles: readonly Uint8Array[], octets: Buffer): { index: number; start: number; end: number } | undefined {
  let found: { index: number; start: number; end: number } | undefined;
  for (const [index, needle] of needles.entries()) {
    const start = octets.indexOf(needle);
    if (start >= 0 && (found === undefined || start < found.start)) found = { index, start, end: start + needle.length };
  }
  return found;
}

/** Ignores the rest of the content, for a parser that does not understand it or needs no more. */
export function* ignoreRest(): Steps<void> {
  for (let octets = yield undefined; octets !== undefined; octets = yield undefined) if (octets === ASK_MARK) yield NOWHERE;
}
