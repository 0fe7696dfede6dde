/** A byte sequence to search. */
export interface Needle {
  /** Its bytes: 1 to {@link MAX_NEEDLE_SIZE}. */
  readonly octets: Buffer;
  /**
   * Decides whether an occurrence is a boundary.
   *
   * @param octets - bytes with the occurrence, and {@link CONTEXT_SIZE} bytes before and after it, if the content has as many
   * @param at - the offset of the needle's first byte in `octets`
   * @returns the offset of the boundary in `octets`; undefined for none
   */
  boundary(octets: Buffer, at: number): number | undefined;
}

/** Bytes before and after an occurrence that are available to `boundary`. */
export const CONTEXT_SIZE = 32;

/** Maximum bytes of a needle. */
export const MAX_NEEDLE_SIZE = 32;

/** Bytes from the start of an occurrence that must be available before it is reported. */
const LOOK_SIZE = MAX_NEEDLE_SIZE + CONTEXT_SIZE;

/** Finds needles in a content that comes in slices, with the native `indexOf`. The result does not depend on the slices. */
export class NeedleScan {
  /** The last bytes so far. */
  #tail = Buffer.alloc(0);
  #end = 0;
  /** Occurrences before this offset were reported. */
  #told = 0;

  /** The state to restore: the offset of the first byte that it needs again, and `told`. */
  get mark(): { readonly from: number; readonly told: number } {
    return { from: this.#end - this.#tail.length, told: this.#told };
  }

  /** Continues from a mark of another scan. */
  restore(from: number, told: number): void {
    this.#end = from;
    this.#told = told;
  }

  /** Occurrences before this offset of the content were reported. */
  get told(): number {
    return this.#told;
  }

  /**
   * Takes the next slice.
   *
   * @param needles - the same at every call
   * @param visit - called with the boundaries, needle by needle, ascending for each
   */
  push(slice: Uint8Array, needles: readonly Needle[], visit: (offset: number) => void): void {
    const base = this.#end;
    const octets = Buffer.from(slice.buffer, slice.byteOffset, slice.length);
    const seam = Buffer.concat([this.#tail, octets.subarray(0, LOOK_SIZE + CONTEXT_SIZE)]);
    const seamBase = base - this.#tail.length;
    this.#end += slice.length;
    const to = Math.max(this.#told, this.#end - LOOK_SIZE);
    // Occurrences near the slice's start need bytes before it.
    const split = Math.min(to, Math.max(this.#told, base + CONTEXT_SIZE));
    for (const needle of needles) {
      find(needle, seam, this.#told - seamBase, split - seamBase, (at) => visit(seamBase + at));
      find(needle, octets, split - base, to - base, (at) => visit(base + at));
    }
    this.#told = to;
    const kept = LOOK_SIZE + CONTEXT_SIZE;
    // A copy, since the slice's memory is reused.
    this.#tail =
      slice.length >= kept ? Buffer.from(octets.subarray(slice.length - kept)) : Buffer.concat([this.#tail, octets]).subarray(-kept);
  }

  /** Bytes of the content so far. */
  get end(): number {
    return this.#end;
  }

  /** Reports the occurrences at the content's end. */
  finish(needles: readonly Needle[], visit: (offset: number) => void): void {
    this.ifEnded(needles, visit);
    this.#told = this.#end;
  }

  /** Reports what `finish` would report. The content may continue afterwards. */
  ifEnded(needles: readonly Needle[], visit: (offset: number) => void): void {
    const base = this.#end - this.#tail.length;
    for (const needle of needles) find(needle, this.#tail, this.#told - base, this.#end - base, (at) => visit(base + at));
  }
}

/** Reports the boundaries of occurrences that start at from <= at < to. */
function find({ octets: needle, boundary }: Needle, octets: Buffer, from: number, to: number, visit: (at: number) => void): void {
  if (from >= to) return;
  for (let at = octets.indexOf(needle, from); at >= 0 && at < to; at = octets.indexOf(needle, at + 1)) {
    const found = boundary(octets, at);
    if (found !== undefined) visit(found);
  }
}
