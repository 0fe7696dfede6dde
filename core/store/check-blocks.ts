import { MAX_BLOCK_SIZE } from '../block/block.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';

/**
 * Checks the sizes of Blocks that are to be added, before any of them is.
 *
 * @throws {RangeError} for a Block beyond MAX_BLOCK_SIZE, or a digest that is not of the Store's hash function
 */
export function checkBlockSizes(blocks: readonly DigestedBlock[], hash: HashFunction): void {
  for (const { data, digest } of blocks) {
    if (data.length > MAX_BLOCK_SIZE) throw new RangeError(`add Block: expected at most ${MAX_BLOCK_SIZE} octets, got ${data.length}`);
    if (digest.length !== hash.digestSize)
      throw new RangeError(`add Block: expected a digest of ${hash.digestSize} octets, got ${digest.length}`);
  }
}
