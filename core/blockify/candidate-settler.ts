import { POSITION_MASK } from './edge-kernel.ts';
import type { Parser } from './parser.ts';
import { SETTLE_CONTEXT, SETTLE_REACH } from './parser.ts';

/**
 * Moves the kernel's candidates to where a parser would rather have them, each once all octets that decide are there: the
 * same however the content is cut into slices.
 */
export class CandidateSettler {
  readonly #settle: NonNullable<Parser['settle']>;
  readonly #reach: number;
  /** The last octets so far: what candidates that wait are judged by. */
  #tail = new Uint8Array(0);
  #end = 0;
  /** Candidates that wait: offsets in the content, times 2, and 1 more if strict. */
  #waiting: number[] = [];

  /** @param minSize - least octets of a Block: no candidate is moved farther */
  constructor(settle: NonNullable<Parser['settle']>, minSize: number) {
    this.#settle = settle;
    this.#reach = Math.min(SETTLE_REACH, minSize);
  }

  /**
   * Takes the next slice and what the kernel found in it.
   *
   * @returns candidates that are settled: offsets from the slice's start, times 2, and 1 more if strict; some of the slices before
   */
  push(slice: Uint8Array, candidates: Uint32Array): number[] {
    const base = this.#end;
    const settled: number[] = [];
    // Of those that wait, and of the first ones, octets lie on both sides of the slice's start.
    const seam = joined(this.#tail, slice.subarray(0, this.#reach + SETTLE_CONTEXT));
    const seamBase = base - this.#tail.length;
    this.#end += slice.length;
    for (const waiting of this.#waiting.splice(0)) this.#one(Math.floor(waiting / 2), waiting & 1, seam, seamBase, base, settled);
    for (const candidate of candidates) {
      const position = base + (candidate & POSITION_MASK);
      const strict = candidate > POSITION_MASK ? 1 : 0;
      if (position - base <= SETTLE_CONTEXT) this.#one(position, strict, seam, seamBase, base, settled);
      else this.#one(position, strict, slice, base, base, settled);
    }
    const kept = this.#reach + SETTLE_CONTEXT;
    this.#tail = slice.length >= kept ? slice.slice(slice.length - kept) : joined(this.#tail, slice).slice(-kept);
    return settled;
  }

  /** Those that wait, since no more octets come: as of a slice that begins at the content's end. */
  finish(): number[] {
    const settled: number[] = [];
    const base = this.#end - this.#tail.length;
    for (const waiting of this.#waiting.splice(0)) {
      const position = Math.floor(waiting / 2);
      settled.push(2 * (this.#place(this.#tail, position, base, this.#end) - this.#end) + (waiting & 1));
    }
    return settled;
  }

  /** Settles a candidate whose octets `octets` has, or lets it wait. */
  #one(position: number, strict: number, octets: Uint8Array, octetsBase: number, base: number, settled: number[]): void {
    const end = position + this.#reach;
    if (end > this.#end) this.#waiting.push(position * 2 + strict);
    else settled.push(2 * (this.#place(octets, position, octetsBase, end) - base) + strict);
  }

  #place(octets: Uint8Array, position: number, octetsBase: number, end: number): number {
    try {
      const place = this.#settle(octets, position - octetsBase, end - octetsBase);
      if (place === undefined) return position;
      const moved = octetsBase + place;
      return Number.isSafeInteger(moved) && moved >= position && moved <= end ? moved : position;
    } catch {
      return position;
    }
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
