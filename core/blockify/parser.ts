import type { Octets } from '../base/octets.ts';
import { MIN_RUN_SIZE } from './edge-kernel.ts';

/** Maximum bytes of the head by which a parser is chosen. */
export const MAX_HEAD_SIZE = 4096;

/** The data by which a parser is chosen. */
export interface ParserHint {
  /** The first bytes of the content, {@link MAX_HEAD_SIZE} if there are as many. */
  readonly head: Uint8Array;
  /** The last element of a path; see {@link sniffName} for its extension. */
  readonly fileName?: Octets | undefined;
  readonly mimeType?: string | undefined;
}

/** The data about a content that are known before its bytes. */
export interface ContentHint extends Omit<ParserHint, 'head'> {
  /** The name of the requested parser, regardless of the content; `none` for no parser. */
  readonly parser?: string | undefined;
  /** The name of the parser that the file itself requests. It is used if `parser` is undefined, and ignored if it is unknown. */
  readonly preferred?: string | undefined;
}

/**
 * Proposes where Blocks of a content should end, based on its syntax. The proposals are not binding: an edge that would make a Block too
 * small is ignored. Whatever a parser does, the stored content is right.
 */
export interface Parser {
  /** The name by which users choose it, in lower case, such as `mbox`. */
  readonly name: string;
  /** Extensions of file names with this syntax, in lower case with their dots: `.mbox`. */
  readonly extensions: readonly string[];
  /** MIME types with this syntax, in lower case without parameters. */
  readonly mimeTypes: readonly string[];
  /** The MIME type of contents for which it is chosen; default the first of `mimeTypes`. */
  readonly foundType?: string;
  /** Whether a content begins like this syntax. @param head - {@link MAX_HEAD_SIZE} bytes, or all if there are fewer */
  begins?(head: Uint8Array): boolean;
  /** Whether more specific parsers take precedence: true for the parser of text. */
  readonly isGeneric?: boolean;
  /** Whether it is for text only. Then name and type are ignored for contents that begin with binary bytes. */
  readonly isTextual?: boolean;
  /** Maximum bytes by which an edge may be reported late, because the parser reads past it to be sure; 0..MIN_RUN_SIZE. */
  readonly delay: number;
  /**
   * Minimum bytes of a Block that ends at one of its edges; default, and at most, the Store's minimum for other Blocks. For syntaxes whose
   * parts also exist as separate contents, such as members of an archive.
   */
  readonly minSize?: number;
  /**
   * Bytes at a content's start in which its edges are ignored, so contents up to that size are not parsed; default 0. For syntaxes whose
   * parts bring little in small files, because equal small files are found as a whole.
   */
  readonly quietSize?: number;
  /**
   * A coroutine over the content. `yield undefined` requests the next bytes and evaluates to them, or to undefined at the end. They are
   * valid until the next request. `yield offset` reports an edge, counted from the content's start. Edges may come in any order, any
   * distance
   * ahead, and at most `delay` bytes late. They must not depend on how the bytes are divided.
   *
   * @param mark - a mark that it reported earlier for this content. It then gets the bytes from `mark.from` on, and reports the same edges
   * as
   * it would have reported there
   */
  edges(mark?: ParserMark): ParserSteps;
}

/** A parser's coroutine, and parts of it. */
export type ParserSteps<T = void> = Generator<number | ParserMark | undefined, T, Uint8Array | undefined>;

/** A point from which a parser can continue without the bytes before. */
export interface ParserMark {
  /** The offset in the content of the first byte that it needs; may be ahead of the bytes so far. */
  readonly from: number;
  /** The state of the parser: numbers with a meaning of its own. */
  readonly state: readonly number[];
}

/**
 * Passed to a parser's coroutine in place of bytes, to request a mark. The coroutine yields one if it can, and then requests bytes again.
 * If
 * it treats it as zero bytes, parsing always restarts at the content's start.
 */
export const ASK_MARK: Uint8Array = new Uint8Array(0);

/** The mark of a parser that needs no more bytes. */
export const NOWHERE: ParserMark = { from: Number.MAX_SAFE_INTEGER, state: [] };

/**
 * Passed to a parser's coroutine in place of bytes, to request the edges that it would report if the content ended here. The content may
 * continue afterwards. A coroutine whose edges do not depend on the content's end can treat it as zero bytes.
 */
export const IF_ENDED: Uint8Array = new Uint8Array(0);

/** Maximum number of edges kept ahead of the bytes. Further ones are dropped. */
const MAX_AHEAD = 1024;

/** Maximum reports per slice, in addition to one per byte. A parser that makes more is faulty. */
const SPARE_REPORTS = 1024;

/** A point from which the parsing of a content can continue: the parser's mark, and the edges reported ahead. */
export interface FeedMark extends ParserMark {
  /** Edges beyond the bytes so far, from the content's start, ascending. */
  readonly ahead: readonly number[];
}

/** Passes the slices of a content to a parser, and collects its edges. A parser that throws, or reports too much, is not called again. */
export class ParserFeed {
  readonly #delay: number;
  readonly #quietSize: number;
  #parser: ParserSteps | undefined;
  /** Edges beyond the bytes so far, from the content's start, ascending. */
  #ahead: number[] = [];
  #end = 0;
  /** The offset of the first byte that the parser gets. */
  #from = 0;

  /** @param from - continues from the mark of another feed; the first bytes pushed are then those at `end` */
  constructor(parser: Parser, from?: { readonly mark: FeedMark; readonly end: number }) {
    this.#delay = Math.min(parser.delay, MIN_RUN_SIZE);
    this.#quietSize = parser.quietSize ?? 0;
    if (from !== undefined) {
      this.#ahead = [...from.mark.ahead];
      this.#end = from.end;
      this.#from = from.mark.from;
    }
    try {
      this.#parser = parser.edges(from?.mark);
    } catch {
      return;
    }
    this.#resume(undefined, SPARE_REPORTS);
  }

  /**
   * Passes the next slice to the parser.
   *
   * @returns the edges up to the slice's end, including late ones: offsets from its start, ascending
   */
  push(slice: Uint8Array): number[] {
    const base = this.#end;
    this.#end += slice.length;
    const passed = Math.max(0, this.#from - base);
    if (passed < slice.length || passed === 0) this.#resume(slice.subarray(passed), slice.length + SPARE_REPORTS);
    // Edges more than `delay` before the slice are too late.
    const reached = this.#ahead.filter((edge) => edge <= this.#end && edge > base - this.#delay);
    this.#ahead = this.#ahead.filter((edge) => edge > this.#end);
    return reached.map((edge) => edge - base);
  }

  /** The point from which another feed can continue; undefined if that must get the whole content. */
  mark(): FeedMark | undefined {
    const mark = this.#parser === undefined ? NOWHERE : this.#resume(ASK_MARK, SPARE_REPORTS);
    return mark === undefined ? undefined : { ...mark, ahead: this.#ahead };
  }

  /** The edges that `finish` would return. The content may continue afterwards. */
  ifEnded(): number[] {
    const before = this.#ahead;
    this.#resume(IF_ENDED, SPARE_REPORTS);
    const reached = this.#reachedAtEnd();
    this.#ahead = before;
    return reached;
  }

  /**
   * Ends the content.
   *
   * @returns the remaining edges up to the end, except those too late: offsets from the content's end, 0 or less, ascending
   */
  finish(): number[] {
    this.#resume(undefined, SPARE_REPORTS);
    this.#parser = undefined;
    const reached = this.#reachedAtEnd();
    this.#ahead = [];
    return reached;
  }

  #reachedAtEnd(): number[] {
    return this.#ahead.filter((edge) => edge <= this.#end && edge > this.#end - this.#delay).map((edge) => edge - this.#end);
  }

  /** Runs the parser until it requests bytes. Drops it if it throws, ends, or reports too much. */
  #resume(slice: Uint8Array | undefined, mostReports: number): ParserMark | undefined {
    const parser = this.#parser;
    if (parser === undefined) return undefined;
    const found: number[] = [];
    let mark: ParserMark | undefined;
    let goesOn = false;
    try {
      let step = parser.next(slice);
      for (let reports = 0; step.done !== true && step.value !== undefined && reports <= mostReports; reports++) {
        if (typeof step.value === 'object') mark = step.value;
        else if (Number.isSafeInteger(step.value) && step.value > this.#quietSize) found.push(step.value);
        step = parser.next(undefined);
      }
      goesOn = step.done !== true && step.value === undefined;
    } catch {
      // Edges reported before the error are kept.
    }
    if (!goesOn) this.#parser = undefined;
    if (found.length > 0) this.#remember(found);
    return mark;
  }

  #remember(found: readonly number[]): void {
    const all = [...new Set([...this.#ahead, ...found])].sort((a, b) => a - b);
    const firstBeyond = all.findIndex((edge) => edge > this.#end);
    this.#ahead = firstBeyond < 0 ? all : all.slice(0, firstBeyond + MAX_AHEAD);
  }
}
