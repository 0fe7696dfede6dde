import { throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { MAX_LITERAL_SIZE } from '../block/block.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import { digestHex } from '../block/hashcode.ts';
import { isRun } from '../block/run-bytes.ts';
import type { SizeBucket } from '../block/tree-stats.ts';
import { SizeHistogram } from '../block/tree-stats.ts';
import type { BlockifyTimes, Content } from './blockify.ts';
import { blockify } from './blockify.ts';
import type { Parser } from './parser.ts';

/** Milliseconds of each stage, in one thread. */
export type StageTimes = { readonly [Stage in 'readMs' | 'kernelMs' | 'parserMs' | 'pickerMs' | 'hashMs']: number };

/** Statistics of how a content is cut. */
export interface ContentSurvey {
  readonly bytes: number;
  /** Leaves other than runs, and their bytes. */
  readonly leaves: number;
  readonly leafBytes: number;
  /** Sizes of these leaves; 0 if there are none. */
  readonly minSize: number;
  readonly meanSize: number;
  readonly maxSize: number;
  /** Leaves that are in their references. */
  readonly literals: number;
  /** Runs of one byte, and those of NUL, which become holes when the file is exported. */
  readonly runs: number;
  readonly runBytes: number;
  readonly nulRuns: number;
  readonly nulBytes: number;
  /** Different hashed leaves, and their bytes. */
  readonly uniqueLeaves: number;
  readonly uniqueBytes: number;
  readonly histogram: readonly SizeBucket[];
  readonly times: StageTimes;
}

/** One leaf, or a run. */
export interface SurveyedLeaf {
  readonly offset: number;
  readonly size: number;
  readonly kind: 'hash' | 'literal' | 'run';
  /** The digest of a hashed leaf. */
  readonly digest?: Uint8Array;
  /** The byte of a run. */
  readonly octet?: number;
}

export interface SurveyOptions extends OpOptions {
  readonly hashName: HashName;
  readonly parser?: Parser | undefined;
  readonly onLeaf?: (leaf: SurveyedLeaf) => void;
}

/**
 * Cuts and hashes a content without storing it, and returns statistics.
 *
 * @throws as blockify
 */
export async function surveyContent(content: Content, settings: EdgeSettings, options: SurveyOptions): Promise<ContentSurvey> {
  const { signal, parser, onLeaf } = options;
  const survey = new Survey(options.hashName, onLeaf);
  const times: BlockifyTimes = { kernelMs: 0, parserMs: 0, pickerMs: 0 };
  const clock = { readMs: 0 };
  for await (const piece of blockify(timed(content, clock), settings, { signal, parser, times })) {
    throwIfCancelled(signal);
    if (piece.kind === 'run') survey.run(piece.octet, piece.size);
    else survey.leaf(piece.data);
  }
  return survey.finish({ ...times, ...clock });
}

/** A content that measures the time spent waiting for it. */
async function* timed(content: Content, clock: { readMs: number }): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    yield content;
    return;
  }
  let started = performance.now();
  for await (const chunk of content) {
    clock.readMs += performance.now() - started;
    yield chunk;
    started = performance.now();
  }
  clock.readMs += performance.now() - started;
}

class Survey {
  readonly #hash: ReturnType<typeof hashByName>;
  readonly #onLeaf: SurveyOptions['onLeaf'];
  readonly #histogram = new SizeHistogram();
  readonly #seen = new Set<string>();
  readonly #tally = {
    bytes: 0,
    leaves: 0,
    leafBytes: 0,
    minSize: Number.POSITIVE_INFINITY,
    maxSize: 0,
    literals: 0,
    runs: 0,
    runBytes: 0,
    nulRuns: 0,
    nulBytes: 0,
    uniqueLeaves: 0,
    uniqueBytes: 0,
  };
  #hashMs = 0;
  /** The current run, which may continue: long runs come in parts. */
  #run: { readonly octet: number; readonly offset: number; size: number } | undefined;

  constructor(hashName: HashName, onLeaf: SurveyOptions['onLeaf']) {
    this.#hash = hashByName(hashName);
    this.#onLeaf = onLeaf;
  }

  run(octet: number, size: number): void {
    if (this.#run?.octet !== octet) this.#endRun();
    this.#run ??= { octet, offset: this.#tally.bytes, size: 0 };
    this.#run.size += size;
    this.#tally.bytes += size;
  }

  leaf(data: Uint8Array): void {
    const tally = this.#tally;
    const { length: size } = data;
    if (size > MAX_LITERAL_SIZE && isRun(data)) {
      this.run(data[0] ?? 0, size);
      return;
    }
    this.#endRun();
    const leaf = { offset: tally.bytes, size };
    tally.bytes += size;
    this.#count(size);
    if (size <= MAX_LITERAL_SIZE) {
      tally.literals++;
      this.#onLeaf?.({ ...leaf, kind: 'literal' });
      return;
    }
    const started = performance.now();
    const digest = this.#hash.digest(data);
    this.#hashMs += performance.now() - started;
    const key = digestHex(digest);
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      tally.uniqueLeaves++;
      tally.uniqueBytes += size;
    }
    this.#onLeaf?.({ ...leaf, kind: 'hash', digest });
  }

  finish(times: Omit<StageTimes, 'hashMs'>): ContentSurvey {
    this.#endRun();
    const { minSize, ...tally } = this.#tally;
    return {
      ...tally,
      minSize: tally.leaves === 0 ? 0 : minSize,
      meanSize: tally.leaves === 0 ? 0 : tally.leafBytes / tally.leaves,
      histogram: this.#histogram.buckets(),
      times: { ...times, hashMs: this.#hashMs },
    };
  }

  #count(size: number): void {
    const tally = this.#tally;
    tally.leaves++;
    tally.leafBytes += size;
    tally.minSize = Math.min(tally.minSize, size);
    tally.maxSize = Math.max(tally.maxSize, size);
    this.#histogram.add(size);
  }

  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#tally.runs++;
    this.#tally.runBytes += run.size;
    if (run.octet === 0) {
      this.#tally.nulRuns++;
      this.#tally.nulBytes += run.size;
    }
    this.#onLeaf?.({ offset: run.offset, size: run.size, kind: 'run', octet: run.octet });
  }
}
