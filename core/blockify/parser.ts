import type { Octets } from '../base/octets.ts';
import { MIN_RUN_SIZE } from './edge-kernel.ts';

/** Octets of the head that a parser is chosen by. */
export const MAX_HEAD_SIZE = 4096;

/** What a parser is chosen by. */
export interface ParserHint {
  /** The first octets of the content, {@link MAX_HEAD_SIZE} if there are so many. */
  readonly head: Uint8Array;
  /** The last element of a path; see {@link sniffName} for its extension. */
  readonly fileName?: Octets | undefined;
  readonly mimeType?: string | undefined;
}

/** What is known of a content before its octets are. */
export interface ContentHint extends Omit<ParserHint, 'head'> {
  /** The parser that somebody asks for by its name, whatever the content: `none` for none. */
  readonly parser?: string | undefined;
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
  /** Whether a content begins as the syntax does; asked with up to {@link MAX_HEAD_SIZE} octets, fewer only if there are no more. */
  begins?(head: Uint8Array): boolean;
  /** Whether it gives way to any parser that knows the content better: that of text. */
  readonly isGeneric?: boolean;
  /** Whether it knows text only: then a name or type says nothing of a content that begins with octets which no text has. */
  readonly isTextual?: boolean;
  /** Octets by which an edge may be reported late: how far it looks past an edge to be sure; 0..MIN_RUN_SIZE. */
  readonly delay: number;
  /**
   * Octets that a Block has at least which ends at one of its edges; default, and at most, the least size that the Store has for
   * others. For syntaxes whose parts are found elsewhere by themselves, like the members of an archive.
   */
  readonly minSize?: number;
  /**
   * Octets at a content's start in which no edge of its counts, so that contents up to that size are not parsed at all; default 0. For
   * syntaxes whose parts are worth little in small files, which are found again as a whole.
   */
  readonly quietSize?: number;
  /**
   * A coroutine over the content. `yield undefined` asks for the next octets and gives them, or undefined at the end;
   * they are valid until the next are asked for. `yield offset` reports an edge: octets from the content's start, in any
   * order, as far ahead as it likes, at most `delay` octets behind the octets asked for. Edges must not depend on
   * how the octets are cut.
   */
  edges(): Generator<number | undefined, void, Uint8Array | undefined>;
}

/**
 * Handed to a parser's coroutine in place of octets: asks which edges it would report if the content ended here, while it may go on. A
 * coroutine whose edges do not depend on where the content ends takes it for what it is, no octets.
 */
export const IF_ENDED: Uint8Array = new Uint8Array(0);

/** Edges remembered ahead of the octets: those beyond are forgotten. */
const MAX_AHEAD = 1024;

/** Reports that one slice may bring besides one an octet: more is a parser that has lost its way. */
const SPARE_REPORTS = 1024;

/** Feeds a parser with the slices of a content and sorts out what it says. Once it throws or runs wild, it is not asked again. */
export class ParserFeed {
  readonly #delay: number;
  readonly #quietSize: number;
  #parser: ReturnType<Parser['edges']> | undefined;
  /** Edges beyond the octets so far, from the content's start, ascending. */
  #ahead: number[] = [];
  #end = 0;

  constructor(parser: Parser) {
    this.#delay = Math.min(parser.delay, MIN_RUN_SIZE);
    this.#quietSize = parser.quietSize ?? 0;
    try {
      this.#parser = parser.edges();
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
    this.#resume(slice, slice.length + SPARE_REPORTS);
    // Those before what may still be decided are too late.
    const reached = this.#ahead.filter((edge) => edge <= this.#end && edge > base - this.#delay);
    this.#ahead = this.#ahead.filter((edge) => edge > this.#end);
    return reached.map((edge) => edge - base);
  }

  /** What `finish` would give, while the content may go on. */
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

  /** Runs the parser until it asks for octets; gives it up once it throws, ends, or reports more than it may. */
  #resume(slice: Uint8Array | undefined, mostReports: number): void {
    const parser = this.#parser;
    if (parser === undefined) return;
    const found: number[] = [];
    let goesOn = false;
    try {
      let step = parser.next(slice);
      for (let reports = 0; step.done !== true && step.value !== undefined && reports <= mostReports; reports++) {
        if (Number.isSafeInteger(step.value) && step.value > this.#quietSize) found.push(step.value);
        step = parser.next(undefined);
      }
      goesOn = step.done !== true && step.value === undefined;
    } catch {
      // What it said before it threw holds, as it would have had the slice ended there.
    }
    if (!goesOn) this.#parser = undefined;
    if (found.length > 0) this.#remember(found);
  }

  #remember(found: readonly number[]): void {
    const all = [...new Set([...this.#ahead, ...found])].sort((a, b) => a - b);
    const firstBeyond = all.findIndex((edge) => edge > this.#end);
    this.#ahead = firstBeyond < 0 ? all : all.slice(0, firstBeyond + MAX_AHEAD);
  }
}
