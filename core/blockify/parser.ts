import type { Octets } from '../base/octets.ts';
import { MIN_RUN_SIZE } from './edge-kernel.ts';

/** Bytes of the head that a parser is chosen by. */
export const MAX_HEAD_SIZE = 4096;

/** What a parser is chosen by. */
export interface ParserHint {
  /** The first bytes of the content, {@link MAX_HEAD_SIZE} if there are so many. */
  readonly head: Uint8Array;
  /** The last element of a path; see {@link sniffName} for its extension. */
  readonly fileName?: Octets | undefined;
  readonly mimeType?: string | undefined;
}

/** What is known of a content before its bytes are. */
export interface ContentHint extends Omit<ParserHint, 'head'> {
  /** The parser that somebody asks for by its name, whatever the content: `none` for none. */
  readonly parser?: string | undefined;
  /** The parser that its file asks for, which counts where nobody else does; a name that there is not is passed over. */
  readonly preferred?: string | undefined;
}

/**
 * Proposes where Blocks of a content should end, from its syntax. It decides nothing: an edge that would make a Block
 * too small is passed over, and the content comes back the same whatever the parser does.
 */
export interface Parser {
  /** As people choose it: lower case, as `mbox`. */
  readonly name: string;
  /** Extensions of names that tell the syntax, in lower case with their dots: `.mbox`. */
  readonly extensions: readonly string[];
  /** MIME types that tell it, in lower case without parameters. */
  readonly mimeTypes: readonly string[];
  /** The MIME type of what it is chosen for; default the first of them. */
  readonly foundType?: string;
  /** Whether a content begins as the syntax does; asked with up to {@link MAX_HEAD_SIZE} bytes, fewer only if there are no more. */
  begins?(head: Uint8Array): boolean;
  /** Whether it gives way to any parser that knows the content better: that of text. */
  readonly isGeneric?: boolean;
  /** Whether it knows text only: then a name or type says nothing of a content that begins with bytes which no text has. */
  readonly isTextual?: boolean;
  /** Bytes by which an edge may be reported late: how far it looks past an edge to be sure; 0..MIN_RUN_SIZE. */
  readonly delay: number;
  /**
   * Bytes that a Block has at least which ends at one of its edges; default, and at most, the least size that the Store has for
   * others. For syntaxes whose parts are found elsewhere by themselves, like the members of an archive.
   */
  readonly minSize?: number;
  /**
   * Bytes at a content's start in which no edge of its counts, so that contents up to that size are not parsed at all; default 0. For
   * syntaxes whose parts are worth little in small files, which are found again as a whole.
   */
  readonly quietSize?: number;
  /**
   * A coroutine over the content. `yield undefined` asks for the next bytes and gives them, or undefined at the end;
   * they are valid until the next are asked for. `yield offset` reports an edge: bytes from the content's start, in any
   * order, as far ahead as it likes, at most `delay` bytes behind the bytes asked for. Edges must not depend on
   * how the bytes are cut.
   *
   * @param mark - one that it reported, given bytes up to there and any farther: it is to be given those from `mark.from` on, and
   * reports the edges that it would have reported
   */
  edges(mark?: ParserMark): ParserSteps;
}

/** A parser's coroutine, and parts of it. */
export type ParserSteps<T = void> = Generator<number | ParserMark | undefined, T, Uint8Array | undefined>;

/** Where a parser can continue that has forgotten all before. */
export interface ParserMark {
  /** The first byte of the content that it has to be given; it may be yet to come. */
  readonly from: number;
  /** What it has to know: numbers of its own. */
  readonly state: readonly number[];
}

/**
 * Handed to a parser's coroutine in place of bytes: asks for a mark, which it yields if it has one, and then continues asking for bytes. A
 * coroutine that takes it for no bytes is parsed from its start where it has to continue.
 */
export const ASK_MARK: Uint8Array = new Uint8Array(0);

/** Where a parser continues that listens no more. */
export const NOWHERE: ParserMark = { from: Number.MAX_SAFE_INTEGER, state: [] };

/**
 * Handed to a parser's coroutine in place of bytes: asks which edges it would report if the content ended here, while it may continue. A
 * coroutine whose edges do not depend on where the content ends takes it for what it is, no bytes.
 */
export const IF_ENDED: Uint8Array = new Uint8Array(0);

/** Edges remembered ahead of the bytes: those beyond are forgotten. */
const MAX_AHEAD = 1024;

/** Reports that one slice may bring besides one a byte: more is a parser that has lost its way. */
const SPARE_REPORTS = 1024;

/** Where the parsing of a content continues: its parser, and what it has said of bytes to come. */
export interface FeedMark extends ParserMark {
  /** Edges beyond the bytes so far, from the content's start, ascending. */
  readonly ahead: readonly number[];
}

/** Feeds a parser with the slices of a content and sorts out what it says. Once it throws or runs wild, it is not asked again. */
export class ParserFeed {
  readonly #delay: number;
  readonly #quietSize: number;
  #parser: ParserSteps | undefined;
  /** Edges beyond the bytes so far, from the content's start, ascending. */
  #ahead: number[] = [];
  #end = 0;
  /** The first byte that the parser is given. */
  #from = 0;

  /** @param mark - continues where another feed gave it; the first bytes pushed are then those at `end` */
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
   * Gives the parser the next slice.
   *
   * @returns the edges up to the slice's end, and those reported late: offsets from its start, ascending
   */
  push(slice: Uint8Array): number[] {
    const base = this.#end;
    this.#end += slice.length;
    const passed = Math.max(0, this.#from - base);
    if (passed < slice.length || passed === 0) this.#resume(slice.subarray(passed), slice.length + SPARE_REPORTS);
    // Those before what may still be decided are too late.
    const reached = this.#ahead.filter((edge) => edge <= this.#end && edge > base - this.#delay);
    this.#ahead = this.#ahead.filter((edge) => edge > this.#end);
    return reached.map((edge) => edge - base);
  }

  /** Where another feed of this content can continue; undefined where it has to be given all of it. */
  mark(): FeedMark | undefined {
    const mark = this.#parser === undefined ? NOWHERE : this.#resume(ASK_MARK, SPARE_REPORTS);
    return mark === undefined ? undefined : { ...mark, ahead: this.#ahead };
  }

  /** What `finish` would give, while the content may continue. */
  ifEnded(): number[] {
    const before = this.#ahead;
    this.#resume(IF_ENDED, SPARE_REPORTS);
    const reached = this.#reachedAtEnd();
    this.#ahead = before;
    return reached;
  }

  /**
   * Tells the parser that this was all.
   *
   * @returns the edges that it reports now, and none that are late: offsets from the content's end, 0 or less, ascending
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

  /** Runs the parser until it asks for bytes; gives it up once it throws, ends, or reports more than it may. */
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
      // What it said before it threw holds, as it would have had the slice ended there.
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
