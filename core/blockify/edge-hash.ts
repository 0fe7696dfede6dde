import { VtError } from '../base/errors.ts';
import { MAX_BLOCK_SIZE } from '../block/block-size.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { areEdgeSizes, MIN_MEAN_SIZE } from '../block/edges-text.ts';

// The hash of the edge kernel `poly32-1`. It must never change, since it determines the Blocks of existing Stores. For each position i
// of a content with a whole window, and the bytes b up to and including i:
//
//   H(i) = sum of b[i-k] * m^k mod 2^16, k = 0..63    (the filter: eight positions at once in SIMD lanes)
//   G(i) = sum of b[i-k] * a^k mod 2^32, k = 0..63    (computed only where H passes)
//
// @see vt(5), "Edges"

/** The kernel's id, which Stores record. */
export const KERNEL_ID = 'poly32-1';

/**
 * Bytes of the window. Positions with fewer bytes up to and including them are not candidates. 64 is better than 32 or 48, because lines
 * of source code repeat. After 200 edits of 16 MB of TypeScript, 85.8 % of the bytes were found again, rather than 83.0 or 84.7.
 */
export const WINDOW_SIZE = 64;

/**
 * m, the base of the filter. It was chosen from several thousand random numbers that are 3 or 5 modulo 8, which have the highest possible
 * order. With 192 of them, no run of one byte passes a filter of 1024 of 65536 values. Of these, it is among the three whose rates of
 * candidates differ least from the ideal, on average over 16 inputs and for the worst of them. The inputs: CSV, digits, hex, base64, DNA
 * letters, bits, nibbles, UTF-16, words, PCM, float64, int32, mostly NUL, C headers, ELF, random. (All rates are within 7 %, except for
 * nibbles, where the rate is up to twice the ideal.) Then 200 edits were made to 64 MiB of other inputs. With a mean of 8 KiB, this
 * percentage was found again; in brackets with a 64-bit gear hash. Random 96.5 (96.8), text 96.9 (96.9), a tar of /usr/share 96.5 (96.7),
 * sources 96.7 (96.8), ELF 96.7 (96.7), CSV 96.0 (96.1). The deviation of one figure is about 0.2.
 * @see test/bench/kernel-bench.ts
 */
export const FILTER_BASE = 0xa525;

/**
 * The first value that passes the filter: H passes if it is one of `filterWidth` values from here on. Runs of NUL have H = 0 and never
 * pass.
 */
export const FILTER_START = 0x8000;

/** a, the base of G: the prime next to 2^32 divided by the golden ratio. */
export const CHECK_BASE = 0x9e3779b1;

/** The thresholds of the kernel for a mean size. */
export interface EdgeThresholds {
  /** H passes if FILTER_START <= H < FILTER_START + filterWidth; 1..2048 */
  readonly filterWidth: number;
  /** A position that passes is a candidate if G <= laxLimit. */
  readonly laxLimit: number;
  /** A candidate is strict if G < strictLimit. */
  readonly strictLimit: number;
  /** From this size on, a Block ends at any candidate. A smaller Block ends only at a strict one. */
  readonly switchSize: number;
}

/**
 * Computes the thresholds for a mean size. A position is a candidate with probability 2 / mean, and a strict one with a quarter of that.
 * With the minimum at mean / 4, the maximum at 4 * mean and the switch at 5/8 * mean, leaves of random data have the mean size (8,225 for
 * 8,192). With a 64-bit gear hash, 448 edits of 128 MiB made 1.41 * mean bytes of new leaves per edit. Probabilities of 1/4 and 4 over
 * the mean (level 2 of normalised chunking) made 1.79, and no normalisation 1.58. This hash gave the same figures.
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
  /** Minimum bytes. From this size on, a leaf ends at any strict candidate. */
  readonly minSize: number;
  readonly maxSize: number;
}

/** The factor by which leaves are larger from `coarseFrom` on. */
const COARSE_FACTOR = 4;

/**
 * The sizes of leaves from `coarseFrom` on, four times as large. There is a strict candidate every 2 * mean bytes on average, and the
 * minimum is 2 * mean. So one pass of the kernel finds the edges for both sizes.
 */
export function coarseSizes({ meanSize, maxSize }: Pick<EdgeSettings, 'meanSize' | 'maxSize'>): CoarseSizes {
  const most = Math.min(MAX_BLOCK_SIZE, COARSE_FACTOR * maxSize);
  return { minSize: Math.min(most, 2 * meanSize), maxSize: most };
}

/** Maximum bytes of any leaf other than a run. */
export function largestLeaf(settings: EdgeSettings): number {
  return settings.coarseFrom === undefined ? settings.maxSize : coarseSizes(settings).maxSize;
}

/**
 * Checks that this program supports edge settings.
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
