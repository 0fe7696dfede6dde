import type { EdgeSettings } from '../store/store.ts';
import { CandidateSettler } from './candidate-settler.ts';
import { chooseParser } from './choose-parser.ts';
import { MIN_RUN_SIZE } from './edge-kernel.ts';
import type { ParsedSlice } from './edge-picker.ts';
import { MAX_PARSED_RUN } from './edge-picker.ts';
import type { Parser } from './parser.ts';
import { ParserFeed, SETTLE_REACH } from './parser.ts';

/** What a parser says may come late by so many octets. */
export function parserDelay({ delay, settle }: Pick<Parser, 'delay' | 'settle'>): number {
  return Math.min(MIN_RUN_SIZE, Math.max(delay, settle === undefined ? 0 : SETTLE_REACH));
}

/** Octets of a hole that a parser gets at a time. */
const HOLE_PART_SIZE = 256 * 1024;

/** One content in the hands of its parser: takes its slices in order, gives what an EdgePicker takes with each. */
export class ContentParser {
  readonly #feed: ParserFeed | undefined;
  readonly #settler: CandidateSettler | undefined;

  constructor(parser: Parser, { minSize }: Pick<EdgeSettings, 'minSize'>) {
    this.#feed = parser.edges === undefined ? undefined : new ParserFeed(parser, chooseParser);
    this.#settler = parser.settle === undefined ? undefined : new CandidateSettler(parser.settle, minSize);
  }

  /** Takes the next slice. @param candidates - what the kernel found in it; read only by parsers that move them */
  push(slice: Uint8Array, candidates: Uint32Array | undefined): ParsedSlice {
    return { edges: this.#feed?.push(slice) ?? [], moved: this.#settler?.push(slice, candidates ?? NO_CANDIDATES) };
  }

  /** Takes a hole: as that many NULs, of which a picker hears only where it is not deaf after them. */
  pushHole(length: number): ParsedSlice {
    const edges: number[] = [];
    const moved: number[] = [];
    if (length >= MAX_PARSED_RUN) return { edges, moved: this.#settler && moved };
    const zeros = new Uint8Array(Math.min(length, HOLE_PART_SIZE));
    for (let at = 0; at < length; at += zeros.length) {
      const said = this.push(zeros.subarray(0, length - at), NO_CANDIDATES);
      // Within a run nothing ends but at its end.
      for (const edge of said.edges) if (at + edge <= 0) edges.push(at + edge);
      for (const candidate of said.moved ?? []) if (2 * at + candidate <= 1) moved.push(2 * at + candidate);
    }
    return { edges, moved: this.#settler && moved };
  }

  /** What is said at the end of the content: as of a slice without octets. */
  finish(): ParsedSlice {
    return { edges: this.#feed?.finish() ?? [], moved: this.#settler?.finish() };
  }
}

const NO_CANDIDATES = new Uint32Array(0);
