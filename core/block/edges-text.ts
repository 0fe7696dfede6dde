import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { EdgeSettings } from './edge-settings.ts';
import { readSize } from './size-text.ts';

/** Least mean of leaves: below it nearly every position would be an edge. */
export const MIN_MEAN_SIZE = 64;

/** The sizes of leaves, as an edge kernel keeps to them. */
export type EdgeSizes = Omit<EdgeSettings, 'kernel'>;

/** Whether a kernel can keep to them: 1 <= min <= mean <= max <= 16 MiB, and mean is at least 64. */
export function areEdgeSizes({ minSize, meanSize, maxSize, coarseFrom = 0 }: EdgeSizes): boolean {
  if (!Number.isSafeInteger(coarseFrom) || coarseFrom < 0) return false;
  const isWhole = [minSize, meanSize, maxSize].every(Number.isSafeInteger);
  return isWhole && minSize >= 1 && minSize <= meanSize && meanSize >= MIN_MEAN_SIZE && meanSize <= maxSize && maxSize <= MAX_BLOCK_SIZE;
}

/**
 * Reads `MIN:MEAN:MAX`, or `MIN:MEAN:MAX:COARSE` with what is four times as large from there on, bytes as sizes are written
 * elsewhere: `2K:8K:32K:128M`. Undefined for anything else.
 */
export function readEdgeSizes(text: string): EdgeSizes | undefined {
  const parts = text.split(':');
  const [minSize = 0, meanSize = 0, maxSize = 0, coarseFrom = -1, ...more] = parts.map(readSize);
  const sizes = { minSize, meanSize, maxSize, ...(parts.length === 3 ? {} : { coarseFrom }) };
  return more.length === 0 && areEdgeSizes(sizes) ? sizes : undefined;
}
