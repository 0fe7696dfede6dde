/** Something to be found. */
export interface Needle {
  /** Its bytes: 1 to {@link MAX_NEEDLE_SIZE}. */
  readonly octets: Buffer;
  /**
   * Decides about an occurrence.
   *
   * @param bytes - where it was found, with {@link CONTEXT_SIZE} bytes before it and after it, as far as there is content
   * @param at - of the needle's first byte
   * @returns where the boundary is, in `octets`; undefined for none
   */
  boundary(octets: Buffer, at: number): number | undefined;
}

/** Bytes before and after an occurrence that may be looked at. */
export const CONTEXT_SIZE = 32;

/** Bytes of a needle, at most. */
export const MAX_NEEDLE_SIZE = 32;

/** Bytes from an occurrence on which are awaited before it is reported. */
const LOOK_SIZE = MAX_NEEDLE_SIZE + CONTEXT_SIZE;

/** Finds needles in a content that comes in slices: the same ones however it is cut. Searching is left to the native `indexOf`. */
export class NeedleScan {
  /** The last bytes so far. */
  #tail = Buffer.alloc(0);
  #end = 0;
  /** Occurrences before this offset were reported. */
  #told = 0;

  /** Where it can continue: the first byte that it needs again, and what was reported before. */
  get mark(): { readonly from: number; readonly told: number } {
    return { from: this.#end - this.#tail.length, told: this.#told };
  }

  /** Continues from a mark. */
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
   * @param visit - called with occurrences, needle by needle, each in order
   */
  push(slice: Uint8Array, needles: readonly Needle[], visit: (offset: number) => void): void {
    const base = this.#end;
    const octets = Buffer.from(slice.buffer, slice.byteOffset, slice.length);
    const seam = Buffer.concat([this.#tail, octets.subarray(0, LOOK_SIZE + CONTEXT_SIZE)]);
    const seamBase = base - this.#tail.length;
    this.#end += slice.length;
    const to = Math.max(this.#told, this.#end - LOOK_SIZE);
    // Occurrences near the slice's start have bytes on both sides of it.
    const split = Math.min(to, Math.max(this.#told, base + CONTEXT_SIZE));
    for (const needle of needles) {
      find(needle, seam, this.#told - seamBase, split - seamBase, (at) => visit(seamBase + at));
      find(needle, octets, split - base, to - base, (at) => visit(base + at));
    }
    this.#told = to;
    const kept = LOOK_SIZE + CONTEXT_SIZE;
    // A copy: the slice is not ours.
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

  /** Says what `finish` would tell, while the content may continue. */
  ifEnded(needles: readonly Needle[], visit: (offset: number) => void): void {
    const base = this.#end - this.#tail.length;
    for (const needle of needles) find(needle, this.#tail, this.#told - base, this.#end - base, (at) => visit(base + at));
  }
}

/** Gives the boundaries of occurrences from..to. */
function find({ octets: needle, boundary }: Needle, octets: Buffer, from: number, to: number, visit: (at: number) => void): void {
  if (from >= to) return;
  for (let at = octets.indexOf(needle, from); at >= 0 && at < to; at = octets.indexOf(needle, at + 1)) {
    const found = boundary(octets, at);
    if (found !== undefined) visit(found);
  }
}
