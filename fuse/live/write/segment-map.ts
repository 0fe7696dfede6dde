import type { Block } from '../../../core/block/block.ts';

/** The source of octets of a file: its front, or a Block from an offset on. */
export type SegmentSource = 'front' | { readonly block: Block; readonly at: number };

/** A part of a file, `start` to `end`, and where it comes from. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly source: SegmentSource;
}

/** The sources of a file's octets; ranges without a segment are holes. Segments are sorted and do not overlap. */
export class SegmentMap {
  #segments: Segment[] = [];

  /** The segments, ascending. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** Sets the source of `start` to `end`, or makes it a hole. */
  set(start: number, end: number, source: SegmentSource | undefined): void {
    if (end <= start) return;
    const first = this.#firstEndingAfter(start - 1);
    const segments = this.#segments;
    let last = first;
    const kept: Segment[] = [];
    for (; last < segments.length; last++) {
      const segment = segments[last];
      if (segment === undefined || segment.start > end) break;
      if (segment.start < start) kept.push(cut(segment, segment.start, Math.min(segment.end, start)));
      if (segment.end > end) kept.push(cut(segment, Math.max(segment.start, end), segment.end));
    }
    const before = kept.filter((segment) => segment.end <= start && segment.end > segment.start);
    const after = kept.filter((segment) => segment.start >= end && segment.end > segment.start);
    const middle = source === undefined ? [] : [{ start, end, source }];
    // eslint-disable-next-line no-restricted-syntax -- three at most
    segments.splice(first, last - first, ...joined([...before, ...middle, ...after]));
  }

  /** The parts of `start` to `end` in order, holes among them with no source. */
  *parts(
    start: number,
    end: number,
  ): Generator<{ readonly start: number; readonly end: number; readonly source: SegmentSource | undefined }> {
    let at = start;
    for (let i = this.#firstEndingAfter(start); at < end; i++) {
      const segment = this.#segments[i];
      if (segment === undefined || segment.start >= end) break;
      if (segment.start > at) yield { start: at, end: segment.start, source: undefined };
      const from = Math.max(at, segment.start);
      const to = Math.min(end, segment.end);
      const { source } = cut(segment, from, to);
      yield { start: from, end: to, source };
      at = to;
    }
    if (at < end) yield { start: at, end, source: undefined };
  }

  /** The index of the first segment that ends after `offset`. */
  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.end ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The part `start` to `end` of a segment. */
function cut(segment: Segment, start: number, end: number): Segment {
  const { source } = segment;
  return { start, end, source: source === 'front' ? source : { block: source.block, at: source.at + (start - segment.start) } };
}

/** Joins neighbouring segments that are continuous in their source. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (last !== undefined && last.end === segment.start && goesOn(last, segment)) {
      result[result.length - 1] = { ...last, end: segment.end };
    } else result.push(segment);
  }
  return result;
}

function goesOn(a: Segment, b: Segment): boolean {
  if (a.source === 'front' || b.source === 'front') return a.source === b.source;
  return a.source.block === b.source.block && a.source.at + (a.end - a.start) === b.source.at;
}
