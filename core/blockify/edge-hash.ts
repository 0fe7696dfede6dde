import { VtError } from '../base/errors.ts';
import { MAX_BLOCK_SIZE } from '../block/block-size.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { areEdgeSizes, MIN_MEAN_SIZE } from '../block/edges-text.ts';

// The hash of the edge kernel `poly32-1`, frozen: Stores hold Blocks that end where it says. Of the bytes b up to and
// including position i of a content, for each i with a whole window before it:
//
//   H(i) = sum of b[i-k] * m^k mod 2^16, k = 0..63    (the filter: eight positions at once in SIMD lanes)
//   G(i) = sum of b[i-k] * a^k mod 2^32, k = 0..63    (computed only where H passes)
//
// @see vt(5), "Edges"

/** The kernel's id, as Stores record it. */
export const KERNEL_ID = 'poly32-1';

/**
 * Bytes of the window. Positions with fewer bytes up to and including them are no candidates. 64 is better than 32 or 48,
 * as lines of source code repeat. With 16 MB of TypeScript 200 edits left 85.8 % to be found again, rather than 83.0 or
 * 84.7.
 */
export const WINDOW_SIZE = 64;

/**
 * m, the base of the filter. It is one of several thousand random numbers that are 3 or 5 modulo 8, of the highest order
 * there is. Under 192 of these no run of one byte passes a filter of 1024 of 65536 values. Of the 192 it is among the
 * three whose rates of candidates stray least from the ideal, over 16 inputs and on the worst of them. The inputs: CSV,
 * digits, hex, base64, DNA letters, bits, nibbles, UTF-16, words, PCM, float64, int32, mostly NUL, C headers, ELF, random.
 * (All within 7 % but nibbles, where the rate is up to twice the ideal.) Then 200 edits were made to 64 MiB of inputs that
 * had no part in this. At a mean of 8 KiB this many % were left, and with a 64-bit gear hash those in brackets. Random
 * 96.5 (96.8), text 96.9 (96.9), a tar of /usr/share 96.5 (96.7), sources 96.7 (96.8), ELF 96.7 (96.7), CSV 96.0 (96.1).
 * The deviation of one figure is about 0.2.
 * @see test/bench/kernel-bench.ts
 */
export const FILTER_BASE = 0xa525;

/** Where the filter's values begin: H passes if it is one of `filterWidth` values from here. No run of NUL, whose H is 0, does. */
export const FILTER_START = 0x8000;

/** a, the base of G: the prime next to 2^32 divided by the golden ratio. */
export const CHECK_BASE = 0x9e3779b1;

/** What the kernel tests, for a mean size. */
export interface EdgeThresholds {
  /** H passes if FILTER_START <= H < FILTER_START + filterWidth; 1..2048 */
  readonly filterWidth: number;
  /** A position that passes is a candidate if G <= laxLimit. */
  readonly laxLimit: number;
  /** A candidate is strict if G < strictLimit. */
  readonly strictLimit: number;
  /** From this size on a Block ends at any candidate, before it only at a strict one. */
  readonly switchSize: number;
}

/**
 * Thresholds of a mean size: a position is a candidate with probability 2 / mean, a strict one with a quarter of that.
 * The minimum is mean / 4, the maximum 4 * mean, and the switch 5/8 * mean. Then the sizes of random data come out at the
 * mean (8,225 for 8,192). With a 64-bit gear hash, 448 edits of 128 MiB made 1.41 * mean of new leaves an edit.
 * Probabilities of 1/4 and 4 over the mean (level 2 of normalised chunking) made 1.79, and no normalisation 1.58. So did
 * this hash.
 */
export function edgeThresholds({ minSize, meanSize }: Pick<EdgeSettings, 'minSize' | 'meanSize'>): EdgeThresholds {
  const filterWidth = Math.max(1, Math.ceil(2 ** 17 / meanSize));
  const limit = Math.min(2 ** 32, Math.floor(2 ** 49 / (meanSize * filterWidth)));
  return {
    filterWidth,
    laxLimit: limit - 1,
    strictLimit: Math.floor(limit / 4),
    switchSize: Math.max(minSize, Math.floor((meanSize * 5) / 8)),
  };
}

/** Sizes of the leaves from `coarseFrom` on. */
export interface CoarseSizes {
  /** Least bytes; from there on a leaf ends at any strict candidate. */
  readonly minSize: number;
  readonly maxSize: number;
}

/** How much larger leaves are from `coarseFrom` on. */
const COARSE_FACTOR = 4;

/**
 * Sizes where leaves are four times as large: a strict candidate comes once in 2 * mean bytes, and the least size is 2 * mean.
 * So the kernel finds with one pass what decides on both.
 */
export function coarseSizes({ meanSize, maxSize }: Pick<EdgeSettings, 'meanSize' | 'maxSize'>): CoarseSizes {
  const most = Math.min(MAX_BLOCK_SIZE, COARSE_FACTOR * maxSize);
  return { minSize: Math.min(most, 2 * meanSize), maxSize: most };
}

/** Most bytes of any leaf but runs. */
export function largestLeaf(settings: EdgeSettings): number {
  return settings.coarseFrom === undefined ? settings.maxSize : coarseSizes(settings).maxSize;
}

/**
 * Refuses edge settings that no kernel here can serve.
 *
 * @throws {VtError} EUNSUPPORTED for another kernel
 * @throws {RangeError} unless 1 <= minSize <= meanSize <= maxSize <= MAX_BLOCK_SIZE and meanSize >= 64
 */
export function checkEdgeSettings({ kernel, ...sizes }: EdgeSettings): void {
  if (kernel !== KERNEL_ID)
    throw new VtError('EUNSUPPORTED', `cut into Blocks by kernel "${kernel}": unknown`, { remedy: `this program has ${KERNEL_ID}` });
  const { minSize, meanSize, maxSize } = sizes;
  if (!areEdgeSizes(sizes)) {
    throw new RangeError(
      `cut into Blocks: expected 1 <= min <= mean <= max <= ${MAX_BLOCK_SIZE}, mean >= ${MIN_MEAN_SIZE}, got ${minSize}, ${meanSize}, ${maxSize}`,
    );
  }
}

/** `base` to the power of `exponent`, modulo 2^32; modulo 2^16 if the caller masks it. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result >>> 0;
}
