import { MAX_PARSED_RUN } from './edge-picker.ts';
import type { FeedMark, Parser } from './parser.ts';
import { ParserFeed } from './parser.ts';

/** Bytes of a hole that are passed to a parser at a time. */
const HOLE_PART_SIZE = 256 * 1024;

/** Parses one content. It gets the slices in order, and returns the edges in each, for an EdgePicker. */
export class ContentParser {
  readonly #feed: ParserFeed;

  /** The parser's name. */
  readonly name: string;

  /** @param from - as for {@link ParserFeed} */
  constructor(parser: Parser, from?: { readonly mark: FeedMark; readonly end: number }) {
    this.name = parser.name;
    this.#feed = new ParserFeed(parser, from);
  }

  /** The point from which another ContentParser can continue; undefined if it must get the whole content. */
  mark(): FeedMark | undefined {
    return this.#feed.mark();
  }

  /** Parses the next slice. @returns edges as offsets from its start, 1 - delay..length, ascending */
  push(slice: Uint8Array): number[] {
    return this.#feed.push(slice);
  }

  /** Parses a hole as that many NULs. @returns only edges at or before its start, since there are none within a run */
  pushHole(length: number): number[] {
    const edges: number[] = [];
    if (length >= MAX_PARSED_RUN) return edges;
    const zeros = new Uint8Array(Math.min(length, HOLE_PART_SIZE));
    for (let at = 0; at < length; at += zeros.length) {
      // There are no edges within a run.
      for (const edge of this.#feed.push(zeros.subarray(0, length - at))) if (at + edge <= 0) edges.push(at + edge);
    }
    return edges;
  }

  /** The edges that `finish` would return if the content ended here. It may continue afterwards. */
  ifEnded(): number[] {
    return this.#feed.ifEnded();
  }

  /** The edges reported at the end of the content, as offsets from the end, 0 or less. */
  finish(): number[] {
    return this.#feed.finish();
  }
}
