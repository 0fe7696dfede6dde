import { largestOf } from '../../base/lists.ts';
import { ASK_MARK, NOWHERE, type ParserMark, type ParserSteps } from '../parser.ts';

/** A part of a parser's coroutine, which gives a value when it is done. */
export type Steps<T> = ParserSteps<T>;

/** Bytes of what it passed that `pass` gives. */
const CONTEXT_SIZE = 2;

/**
 * Bytes in which several needles are looked for at first, and twice as many each time after. The rarer ones would else be
 * sought far beyond the others, again and again. So work is linear in what is passed over, whatever the bytes.
 */
const SEARCH_STEP = 128;

/** What `pass` found. */
export interface FoundNeedle {
  /** Of the needle in the arguments. */
  readonly index: number;
  readonly before: Uint8Array;
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** `skip` goes no farther than it can count exactly. */
const FARTHEST = Number.MAX_SAFE_INTEGER;

/** Reads the content that a parser is given, across its slices. Keeps no more than what one `read` asks for. */
export class ByteCursor {
  #slice: Uint8Array = EMPTY;
  /** Of the next byte in the slice. */
  #at = 0;
  /** Of the slice in the content. */
  #base = 0;
  #mark: ParserMark | undefined;
  /** What comes before the next slice that is asked for: the last first. */
  readonly #stash: Uint8Array[] = [];

  /** @param from - the offset in the content of the first bytes that it is given */
  constructor(from = 0) {
    this.#base = from;
  }

  /**
   * States that a parser which starts at an offset with this state behaves as this one does.
   *
   * @param from - the next byte, or one that is yet to come, if nothing depends on those before it
   */
  mark(state: readonly number[], from = this.offset): void {
    this.#mark = { from, state };
  }

  /** Bytes of the content that were read or skipped. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /**
   * The next `size` bytes, valid until the cursor is used again.
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
   * Passes over `size` bytes; of those slices that have none but these nothing is looked at.
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
   * @returns undefined at the end of the content; else 1 byte or more
   */
  *rest(): Steps<Uint8Array | undefined> {
    if (!(yield* this.#more())) return undefined;
    const found = this.#slice.subarray(this.#at);
    this.#at = this.#slice.length;
    return found;
  }

  /**
   * Takes back bytes, to be read again: the last ones of what `read` or `rest` gave.
   *
   * @param bytes - up to a few thousand, but for those of `rest`
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
   * Passes over everything up to the end of the next of some needles.
   *
   * @param needles - a few bytes each; none can overlap another
   * @returns which it is, and the bytes before it, 2 at most; undefined if there is none any more
   */
  *pass(...needles: readonly Uint8Array[]): Steps<FoundNeedle | undefined> {
    // What a needle or the bytes before it may begin with, of the slices passed.
    let carry = EMPTY;
    const longest = largestOf(needles.map(({ length }) => length));
    const most = longest + CONTEXT_SIZE - 1;
    while (yield* this.#more()) {
      const rest = this.#slice.subarray(this.#at);
      // Nothing is copied where the needle is near:.
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

  /** Sees to it that the slice has a byte left. */
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

/** Which needle comes first in `octets`, and where. */
function firstOf(needles: readonly Uint8Array[], octets: Buffer): { index: number; start: number; end: number } | undefined {
  let found: { index: number; start: number; end: number } | undefined;
  for (const [index, needle] of needles.entries()) {
    const start = octets.indexOf(needle);
    if (start >= 0 && (found === undefined || start < found.start)) found = { index, start, end: start + needle.length };
  }
  return found;
}

/** Lets the rest of the content pass: what a parser does that has lost its way, or has seen all it wants. */
export function* ignoreRest(): Steps<void> {
  for (let octets = yield undefined; octets !== undefined; octets = yield undefined) if (octets === ASK_MARK) yield NOWHERE;
}
