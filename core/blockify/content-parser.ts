import { MAX_PARSED_RUN } from './edge-picker.ts';
import type { FeedMark, Parser } from './parser.ts';
import { ParserFeed } from './parser.ts';

/** Bytes of a hole that a parser gets at a time. */
const HOLE_PART_SIZE = 256 * 1024;

/** One content in the hands of its parser: takes its slices in order, gives the edges that an EdgePicker takes with each. */
export class ContentParser {
  readonly #feed: ParserFeed;

  /** The parser's name. */
  readonly name: string;

  /** @param from - as {@link ParserFeed} takes it */
  constructor(parser: Parser, from?: { readonly mark: FeedMark; readonly end: number }) {
    this.name = parser.name;
    this.#feed = new ParserFeed(parser, from);
  }

  /** Where another one can continue; undefined where it has to be given all of the content. */
  mark(): FeedMark | undefined {
    return this.#feed.mark();
  }

  /** Takes the next slice. @returns offsets from its start, 1 - delay..length, ascending */
  push(slice: Uint8Array): number[] {
    return this.#feed.push(slice);
  }

  /** Takes a hole: as that many NULs, of which a picker learns only where it takes edges after them. */
  pushHole(length: number): number[] {
    const edges: number[] = [];
    if (length >= MAX_PARSED_RUN) return edges;
    const zeros = new Uint8Array(Math.min(length, HOLE_PART_SIZE));
    for (let at = 0; at < length; at += zeros.length) {
      // Within a run nothing ends but at its end.
      for (const edge of this.#feed.push(zeros.subarray(0, length - at))) if (at + edge <= 0) edges.push(at + edge);
    }
    return edges;
  }

  /** What would be said if the content ended here: as `finish`, after which it may continue. */
  ifEnded(): number[] {
    return this.#feed.ifEnded();
  }

  /** What is said at the end of the content: offsets from there, 0 or less. */
  finish(): number[] {
    return this.#feed.finish();
  }
}
