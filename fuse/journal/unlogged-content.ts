import { SegmentMap } from '../live/write/segment-map.ts';

/** What a journal does not know yet about a file's content. */
export interface UnloggedParts {
  /** The least size that the file had meanwhile. */
  readonly minSize: number;
  /** Bytes that are others than before, ascending; what goes beyond the file's end is of no account. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

interface Changes {
  minSize: number;
  readonly ranges: SegmentMap;
}

/**
 * Where a file's content is another than a journal says, or than the root that is being stored. While a root is in progress, the changes from before
 * it count as well: until it is recorded a crash leaves the root before.
 */
export class UnloggedContent {
  #now: Changes = nothing();
  /** From before the root that is in progress. */
  #before: Changes | undefined;

  /** Bytes `start` to `end` were written. */
  wrote(start: number, end: number): void {
    this.#now.ranges.set(start, end, 'front');
  }

  /** It was cut off. */
  cutOff(size: number): void {
    this.#now.minSize = Math.min(this.#now.minSize, size);
    this.#now.ranges.set(size, Number.MAX_SAFE_INTEGER, undefined);
  }

  get isEmpty(): boolean {
    return isNothing(this.#now) && (this.#before === undefined || isNothing(this.#before));
  }

  /** A root begins to be stored, which will have all that came before. */
  rootBegins(): void {
    this.#before = this.#both();
    this.#now = nothing();
  }

  /** The root is recorded. */
  rootRecorded(): void {
    this.#before = undefined;
  }

  parts(): UnloggedParts {
    const { minSize, ranges } = this.#both();
    return { minSize, ranges: ranges.all };
  }

  /** The journal knows it. */
  clear(): void {
    this.#now = nothing();
    this.#before = undefined;
  }

  #both(): Changes {
    const before = this.#before;
    if (before === undefined) return this.#now;
    const both: Changes = { minSize: Math.min(before.minSize, this.#now.minSize), ranges: new SegmentMap() };
    for (const { ranges } of [before, this.#now]) for (const { start, end } of ranges.all) both.ranges.set(start, end, 'front');
    return both;
  }
}

function nothing(): Changes {
  return { minSize: Number.MAX_SAFE_INTEGER, ranges: new SegmentMap() };
}

function isNothing({ minSize, ranges }: Changes): boolean {
  return minSize === Number.MAX_SAFE_INTEGER && ranges.all.length === 0;
}
