import { SegmentMap } from '../live/write/segment-map.ts';

/** Changes of a file's content that are not in the journal yet. */
export interface UnloggedParts {
  /** The smallest size that the file had meanwhile, in octets. */
  readonly minSize: number;
  /** Changed ranges, in octets, ascending; ignore what lies beyond the file's end. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

interface Changes {
  minSize: number;
  readonly ranges: SegmentMap;
}

/**
 * Where a file's content differs from the journal, or from the root that is being stored. While a root is being stored, earlier changes
 * count as well: a crash before it is recorded leaves only the previous root.
 */
export class UnloggedContent {
  #now: Changes = nothing();
  /** Changes from before the root that is being stored. */
  #before: Changes | undefined;

  /** Bytes `start` to `end` were written. */
  wrote(start: number, end: number): void {
    this.#now.ranges.set(start, end, 'front');
  }

  /** The file was truncated to `size` octets. */
  cutOff(size: number): void {
    this.#now.minSize = Math.min(this.#now.minSize, size);
    this.#now.ranges.set(size, Number.MAX_SAFE_INTEGER, undefined);
  }

  get isEmpty(): boolean {
    return isNothing(this.#now) && (this.#before === undefined || isNothing(this.#before));
  }

  /** The storing of a root begins, which will include all changes so far. */
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

  /** The journal has all changes so far. */
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
