import type { OpOptions } from '../base/op-options.ts';
import type { Block, HashBlock } from '../block/block.ts';
import type { BlockTreeStats } from '../block/tree-stats.ts';
import { blockTreeStats } from '../block/tree-stats.ts';
import type { Store } from '../store/store.ts';

/** Hashcodes per `has` request. */
const BATCH_SIZE = 1024;

/** The Block tree of a node, and how much of it a Store has. */
export interface BlockInspection {
  readonly stats: BlockTreeStats;
  /** Number of distinct stored Blocks of the tree, including superblocks. */
  readonly neededBlocks: number;
  /** How many of these the Store has. */
  readonly presentBlocks: number;
  /** Octets of the distinct leaves of the tree. */
  readonly neededBytes: number;
  readonly presentBytes: number;
}

/**
 * Walks a Block tree, reading its superblocks but no leaves, and asks a Store which of the Blocks it has.
 *
 * @param source - the source of the superblocks
 * @param store - the Store to ask
 * @throws {MissingBlockError} and {CorruptBlockError} for an unreadable superblock
 */
export async function inspectBlock(
  source: Store,
  store: Pick<Store, 'has' | 'hashName'>,
  block: Block,
  options: OpOptions = {},
): Promise<BlockInspection> {
  const needed: { readonly block: HashBlock; readonly isSuperblock: boolean }[] = [];
  const stats = await blockTreeStats(source, block, { ...options, visit: (visit) => needed.push(visit) });
  let presentBlocks = 0;
  let presentBytes = 0;
  const neededBytes = needed.reduce((sum, visit) => (visit.isSuperblock ? sum : sum + visit.block.span), 0);
  for (let start = 0; start < needed.length; start += BATCH_SIZE) {
    const batch = needed.slice(start, start + BATCH_SIZE).filter((visit) => visit.block.hashcode.hashName === store.hashName);
    const found = await store.has(
      batch.map((visit) => visit.block.hashcode),
      options,
    );
    for (const [i, visit] of batch.entries()) {
      if (found[i] !== true) continue;
      presentBlocks++;
      if (!visit.isSuperblock) presentBytes += visit.block.span;
    }
  }
  return { stats, neededBlocks: needed.length, presentBlocks, neededBytes, presentBytes };
}
