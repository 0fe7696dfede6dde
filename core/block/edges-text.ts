import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { EdgeSettings } from './edge-settings.ts';
import { readSize } from './size-text.ts';

/** Minimum mean size of leaves, in bytes. Below it nearly every position would be an edge. */
export const MIN_MEAN_SIZE = 64;

/** The sizes of leaves, without the kernel. */
export type EdgeSizes = Omit<EdgeSettings, 'kernel'>;

/** Whether sizes are valid: 1 <= min <= mean <= max <= 16 MiB, and mean is at least 64. */
export function areEdgeSizes({ minSize, meanSize, maxSize, coarseFrom = 0 }: EdgeSizes): boolean {
  if (!Number.isSafeInteger(coarseFrom) || coarseFrom < 0) return false;
  const isWhole = [minSize, meanSize, maxSize].every(Number.isSafeInteger);
  return isWhole && minSize >= 1 && minSize <= meanSize && meanSize >= MIN_MEAN_SIZE && meanSize <= maxSize && maxSize <= MAX_BLOCK_SIZE;
}

/**
 * Reads `MIN:MEAN:MAX` or `MIN:MEAN:MAX:COARSE`, sizes in the notation of {@link readSize}: `2K:8K:32K:128M`. COARSE is `coarseFrom`.
 * Undefined for any other text, and for invalid sizes.
 */
export function readEdgeSizes(text: string): EdgeSizes | undefined {
  const parts = text.split(':');
  const [minSize = 0, meanSize = 0, maxSize = 0, coarseFrom = -1, ...more] = parts.map(readSize);
  const sizes = { minSize, meanSize, maxSize, ...(parts.length === 3 ? {} : { coarseFrom }) };
  return more.length === 0 && areEdgeSizes(sizes) ? sizes : undefined;
}
