import { throwIfCancelled } from '../base/errors.ts';
import type { BlockSource, OpOptions } from '../store/store.ts';
import type { Block, HashBlock, IndirectBlock } from './block.ts';
import { hashcodeLabel } from './hashcode.ts';
import { readSuperblock, withSpan } from './tree-walk.ts';

/** Leaves whose size is at least `minSize` and less than twice that. */
export interface SizeBucket {
  /** 0, or a power of two. */
  readonly minSize: number;
  readonly leaves: number;
  readonly bytes: number;
}

/** The shape of a Block tree. Counts are of the tree as it is walked: a leaf used twice counts twice, but in `unique…`. */
export interface BlockTreeStats {
  /** Octets of content. */
  readonly span: number;
  /** Levels of superblocks; 0 for a leaf. */
  readonly depth: number;
  /** Superblocks, each as often as it is used. */
  readonly superblocks: number;
  readonly leaves: number;
  /** Leaves stored under their hashcodes, and their octets. */
  readonly hashedLeaves: number;
  readonly hashedBytes: number;
  readonly literalLeaves: number;
  readonly literalBytes: number;
  readonly runLeaves: number;
  readonly runBytes: number;
  /** Different hashed leaves, and their octets. */
  readonly uniqueLeaves: number;
  readonly uniqueBytes: number;
  /** Different superblocks. */
  readonly uniqueSuperblocks: number;
  /** Sizes of the leaves but for runs, by powers of two, ascending, empty ones left out. */
  readonly histogram: readonly SizeBucket[];
}

interface Tally {
  span: number;
  depth: number;
  superblocks: number;
  leaves: number;
  hashedLeaves: number;
  hashedBytes: number;
  literalLeaves: number;
  literalBytes: number;
  runLeaves: number;
  runBytes: number;
  uniqueLeaves: number;
  uniqueBytes: number;
  uniqueSuperblocks: number;
}

/** What of a tree's stored Blocks `visit` sees: each different one once. */
export interface BlockTreeVisit {
  readonly block: HashBlock;
  readonly isSuperblock: boolean;
}

/**
 * Walks the superblocks of a Block, reading no leaf, and counts.
 *
 * @param options.visit - called for each different stored Block, to look it up in a Store or gather it
 * @throws {CorruptBlockError} and {MissingBlockError} as readSuperblock does
 */
export async function blockTreeStats(
  source: BlockSource,
  block: Block,
  options: OpOptions & { readonly visit?: (visit: BlockTreeVisit) => void } = {},
): Promise<BlockTreeStats> {
  const { signal, visit } = options;
  const top = await withSpan(source, block, signal);
  const tally: Tally = {
    span: top.span,
    depth: 0,
    superblocks: 0,
    leaves: 0,
    hashedLeaves: 0,
    hashedBytes: 0,
    literalLeaves: 0,
    literalBytes: 0,
    runLeaves: 0,
    runBytes: 0,
    uniqueLeaves: 0,
    uniqueBytes: 0,
    uniqueSuperblocks: 0,
  };
  const seen = new Set<string>();
  const buckets = new Map<number, { minSize: number; leaves: number; bytes: number }>();

  const isFirst = (hashed: HashBlock, isSuperblock: boolean): boolean => {
    const key = hashcodeLabel(hashed.hashcode);
    if (seen.has(key)) return false;
    seen.add(key);
    visit?.({ block: hashed, isSuperblock });
    return true;
  };
  const countLeaf = (leaf: Exclude<Block, IndirectBlock>): void => {
    tally.leaves++;
    if (leaf.kind === 'run') {
      tally.runLeaves++;
      tally.runBytes += leaf.span;
      return;
    }
    const minSize = leaf.span === 0 ? 0 : 2 ** Math.floor(Math.log2(leaf.span));
    const bucket = buckets.get(minSize) ?? { minSize, leaves: 0, bytes: 0 };
    buckets.set(minSize, bucket);
    bucket.leaves++;
    bucket.bytes += leaf.span;
    if (leaf.kind === 'literal') {
      tally.literalLeaves++;
      tally.literalBytes += leaf.span;
    } else {
      const hashed = leaf.kind === 'sub' ? undefined : leaf;
      tally.hashedLeaves++;
      tally.hashedBytes += leaf.span;
      if (hashed !== undefined && isFirst(hashed, false)) {
        tally.uniqueLeaves++;
        tally.uniqueBytes += leaf.span;
      }
    }
  };

  const pending: { block: Block; depth: number }[] = [{ block: top, depth: 0 }];
  for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
    throwIfCancelled(signal);
    const { block: at, depth } = item;
    if (at.kind !== 'indirect') {
      countLeaf(at);
      continue;
    }
    tally.superblocks++;
    tally.depth = Math.max(tally.depth, depth + 1);
    if (at.refs.kind === 'hash' && isFirst(at.refs, true)) tally.uniqueSuperblocks++;
    for (const ref of (await readSuperblock(source, at, signal)).reverse()) pending.push({ block: ref, depth: depth + 1 });
  }
  return { ...tally, histogram: [...buckets.values()].sort((a, b) => a.minSize - b.minSize) };
}
