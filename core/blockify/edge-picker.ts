import type { EdgeSettings } from '../block/edge-settings.ts';
import { checkEdgeSettings, coarseSizes, edgeThresholds } from './edge-hash.ts';
import type { SliceScan, TouchingRun } from './edge-kernel.ts';
import { MIN_RUN_SIZE, POSITION_MASK } from './edge-kernel.ts';

/** One leaf. It follows the one before. */
export interface LeafSpan {
  /** Bytes, 1 or more; at most `largestLeaf`, except for runs. */
  readonly size: number;
  /** The byte of a run; undefined if it is not a run. */
  readonly octet: number | undefined;
}

/** A run of this many bytes ends the parsing of a content, so that a parser need not read holes of terabytes. */
export const MAX_PARSED_RUN = 2 ** 30;

/** A parser may ask for smaller Blocks only if the minimum size of the settings is not larger than this. */
const PARSED_MIN_SIZE = 4096;

/**
 * Decides where Blocks end, from the kernel's results for the slices of a content, in order. The same content always gives the same leaves,
 * whatever its slices are.
 *
 * Runs of MIN_RUN_SIZE and more are leaves of their own. Between them, a Block ends at the first candidate at least switchSize from its
 * start, or minSize if the candidate is strict. It ends earlier at a parser's edge, if it then has the minimum size that the parser asks
 * for. Without any of these, it ends at maxSize. After a parser's edge, cutting starts anew as for another content. Without a parser,
 * a Block that begins at coarseFrom or later ends at the first strict candidate at least twice meanSize from its start.
 */
export class EdgePicker {
  readonly #minSize: number;
  readonly #maxSize: number;
  readonly #switchSize: number;
  readonly #coarseMin: number;
  readonly #coarseMax: number;
  /** The offset from which Blocks are larger, relative to the first slice, as `#last`. */
  #coarseFrom: number;
  /** Candidates not yet decided: offsets in the content, ascending, negative if strict. */
  #candidates: number[] = [];
  /** A parser's edges not yet decided: offsets in the content, ascending. */
  #parserEdges: number[] = [];
  #spans: LeafSpan[] = [];
  /** Bytes so far, and how many of them have a leaf. */
  #end = 0;
  #last = 0;
  /** The run at the end of the content so far. While it is shorter than MIN_RUN_SIZE, nothing in it is decided: it may grow. */
  #tail: TouchingRun = { octet: -1, length: 0 };
  #parserDelay = 0;
  #parserMinSize: number;
  /** Parser edges are ignored, as after a run of MAX_PARSED_RUN. */
  #isDeaf = false;

  /**
   * @param start - bytes of the content before the first slice, which begins a leaf
   * @throws {RangeError} or {VtError} as checkEdgeSettings
   */
  constructor(settings: EdgeSettings, start = 0) {
    checkEdgeSettings(settings);
    const coarse = coarseSizes(settings);
    this.#coarseMin = coarse.minSize;
    this.#coarseMax = coarse.maxSize;
    this.#coarseFrom = (settings.coarseFrom ?? Number.POSITIVE_INFINITY) - start;
    this.#parserMinSize = settings.minSize;
    this.#minSize = settings.minSize;
    this.#maxSize = settings.maxSize;
    this.#switchSize = edgeThresholds(settings).switchSize;
  }

  /**
   * Call this before the first slice if there is a parser. It finds parts that may occur in other contents too, so Blocks stay small.
   *
   * @param delay - bytes by which its edges may be reported late, 0..MIN_RUN_SIZE
   * @param minSize - minimum bytes of a Block that ends at one of its edges; default, and at most, that of other Blocks. It is ignored if
   * that
   * is more than {@link PARSED_MIN_SIZE}: a user who asks for larger Blocks wants few of them
   */
  useParser({ delay, minSize = this.#minSize }: { readonly delay: number; readonly minSize?: number | undefined }): void {
    this.#coarseFrom = Number.POSITIVE_INFINITY;
    this.#parserDelay = Math.max(0, Math.min(delay, MIN_RUN_SIZE));
    this.#parserMinSize = this.#minSize > PARSED_MIN_SIZE ? this.#minSize : Math.max(1, Math.min(minSize, this.#minSize));
  }

  /** Whether a parser's edges are ignored from now on. */
  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  /** Ignores parsers from now on, as after a run of {@link MAX_PARSED_RUN}. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** Bytes at the end that have no leaf yet: fewer than `largestLeaf` + MIN_RUN_SIZE. */
  get pending(): number {
    return this.#end - this.#last;
  }

  /** Whether the content so far ends in a run, all of whose bytes have a leaf. */
  get inRun(): boolean {
    return this.#tail.length >= MIN_RUN_SIZE;
  }

  /** Makes an independent copy of this picker. */
  fork(settings: EdgeSettings): EdgePicker {
    const copy = new EdgePicker(settings);
    copy.#candidates = [...this.#candidates];
    copy.#parserEdges = [...this.#parserEdges];
    copy.#end = this.#end;
    copy.#last = this.#last;
    copy.#tail = this.#tail;
    copy.#coarseFrom = this.#coarseFrom;
    copy.#parserDelay = this.#parserDelay;
    copy.#parserMinSize = this.#parserMinSize;
    copy.#isDeaf = this.#isDeaf;
    return copy;
  }

  /**
   * Takes the next slice.
   *
   * @param length - bytes of the slice
   * @param parserEdges - the parser's edges: offsets from the slice's start, 1 - delay..length, ascending
   * @returns the leaves that are now final; a long run comes in parts
   */
  push(length: number, scan: SliceScan, parserEdges: readonly number[] = NO_EDGES): LeafSpan[] {
    const { head, tail } = scan;
    if (head === undefined || tail === undefined) return [];
    const base = this.#end;
    this.#end += length;
    const before = this.#tail;
    const joined = head.octet === before.octet ? before.length : 0;
    const headLength = joined + head.length;
    if (headLength >= MAX_PARSED_RUN) this.#isDeaf = true;
    this.#enqueue(base, scan.candidates, this.#isDeaf ? NO_EDGES : parserEdges);

    const isWhole = head.length === length;
    if (headLength >= MIN_RUN_SIZE) this.#run(base - joined, base + head.length, head.octet);
    for (let i = 0; i + 2 < scan.runs.length; i += 3) {
      this.#run(base + (scan.runs[i] as number), base + (scan.runs[i + 1] as number), scan.runs[i + 2] as number);
    }
    this.#tail = isWhole ? { octet: head.octet, length: headLength } : tail;
    const tailStart = this.#end - this.#tail.length;
    if (!this.inRun) this.#advance(Math.min(tailStart, this.#end - this.#parserDelay));
    else if (!isWhole) this.#run(tailStart, this.#end, tail.octet);
    return this.#taken();
  }

  /** Takes `length` times `octet` as the next slice: a hole, which need not be read. @param length - at least MIN_RUN_SIZE */
  pushRun(octet: number, length: number, parserEdges: readonly number[] = NO_EDGES): LeafSpan[] {
    const run = { octet, length };
    return this.push(length, { length, candidates: NONE, runs: NONE, head: run, tail: run }, parserEdges);
  }

  /** Returns the remaining leaves at the end of the content. @param parserEdges - reported at the end: offsets from it, 0 or less */
  finish(parserEdges: readonly number[] = NO_EDGES): LeafSpan[] {
    if (!this.#isDeaf) this.#enqueue(this.#end, NONE, parserEdges);
    this.#close(this.#end);
    return this.#taken();
  }

  #taken(): LeafSpan[] {
    const spans = this.#spans;
    this.#spans = [];
    return spans;
  }

  #enqueue(base: number, candidates: Uint32Array, parserEdges: readonly number[]): void {
    const queue = this.#candidates;
    for (const candidate of candidates) {
      const position = base + (candidate & POSITION_MASK);
      queue.push(candidate > POSITION_MASK ? -position : position);
    }
    if (parserEdges.length === 0) return;
    for (const edge of parserEdges) this.#parserEdges.push(base + edge);
    // Edges that are reported late may precede earlier ones.
    this.#parserEdges.sort((a, b) => a - b);
  }

  /** Handles a run that begins at `start` and is known up to `end`. A part of it may already have a leaf. */
  #run(start: number, end: number, octet: number): void {
    if (start > this.#last) this.#close(start);
    if (end > this.#last) this.#spans.push({ size: end - this.#last, octet });
    this.#last = end;
  }

  /** Decides everything before `at`, and ends a Block there. */
  #close(at: number): void {
    this.#advance(at);
    if (at > this.#last) this.#cut(at);
  }

  /** Decides all candidates and edges up to `safe`. Later slices cannot change them. */
  #advance(safe: number): void {
    let parsed = 0;
    for (let edge = this.#parserEdges[0]; edge !== undefined && edge <= safe; edge = this.#parserEdges[++parsed]) {
      this.#advanceHash(edge - 1);
      this.#cutMax(edge);
      if (edge - this.#last >= this.#parserMinSize) this.#cut(edge);
    }
    if (parsed > 0) this.#parserEdges = this.#parserEdges.slice(parsed);
    this.#advanceHash(safe);
    this.#cutMax(safe + 1);
  }

  /** Decides the kernel's candidates up to `safe`. */
  #advanceHash(safe: number): void {
    let done = 0;
    for (; done < this.#candidates.length; done++) {
      const candidate = this.#candidates[done] as number;
      const position = Math.abs(candidate);
      if (position > safe) break;
      this.#cutMax(position);
      const size = position - this.#last;
      if (this.#last >= this.#coarseFrom ? size >= this.#coarseMin && candidate < 0 : this.#isFineEdge(size, candidate))
        this.#cut(position);
    }
    if (done > 0) this.#candidates = this.#candidates.slice(done);
  }

  #isFineEdge(size: number, candidate: number): boolean {
    return size >= this.#switchSize || (size >= this.#minSize && candidate < 0);
  }

  /** Ends Blocks of maximum size as long as a Block up to `position` would be too large. */
  #cutMax(position: number): void {
    for (;;) {
      const most = this.#last >= this.#coarseFrom ? this.#coarseMax : this.#maxSize;
      if (position - this.#last <= most) return;
      this.#cut(this.#last + most);
    }
  }

  #cut(at: number): void {
    this.#spans.push({ size: at - this.#last, octet: undefined });
    this.#last = at;
  }
}

const NONE = new Uint32Array(0);
const NO_EDGES: readonly number[] = [];
