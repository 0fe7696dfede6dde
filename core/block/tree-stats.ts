import type { OpOptions } from '../base/op-options.ts';
import type { Block, HashBlock } from './block.ts';
import type { BlockSource } from './block-source.ts';
import { hashcodeLabel } from './hashcode.ts';
import type { Leaf } from './tree-walk.ts';
import { leavesOf, withSpan } from './tree-walk.ts';

/** Leaves whose size is at least `minSize` and less than twice that. */
export interface SizeBucket {
  /** A power of two. */
  readonly minSize: number;
  readonly leaves: number;
  readonly bytes: number;
}

/** Counts sizes by powers of two. */
export class SizeHistogram {
  readonly #buckets = new Map<number, { minSize: number; leaves: number; bytes: number }>();

  /** @param size - 1 or more */
  add(size: number): void {
    const minSize = 2 ** Math.floor(Math.log2(size));
    let bucket = this.#buckets.get(minSize);
    if (bucket === undefined) {
      bucket = { minSize, leaves: 0, bytes: 0 };
      this.#buckets.set(minSize, bucket);
    }
    bucket.leaves++;
    bucket.bytes += size;
  }

  /** The buckets that are not empty, ascending. */
  buckets(): SizeBucket[] {
    return [...this.#buckets.values()].sort((a, b) => a.minSize - b.minSize);
  }
}

/** The shape of a Block tree. A leaf or superblock that is used twice counts twice, except in `unique…`. */
export interface BlockTreeStats {
  /** Bytes of content. */
  readonly span: number;
  /** Levels of superblocks; 0 for a leaf. */
  readonly depth: number;
  /** Superblocks. */
  readonly superblocks: number;
  readonly leaves: number;
  /** Leaves stored under their hashcodes, and their bytes. */
  readonly hashedLeaves: number;
  readonly hashedBytes: number;
  readonly literalLeaves: number;
  readonly literalBytes: number;
  readonly runLeaves: number;
  readonly runBytes: number;
  /** Different hashed leaves, and how many of their bytes the content uses. */
  readonly uniqueLeaves: number;
  readonly uniqueBytes: number;
  /** Different superblocks. */
  readonly uniqueSuperblocks: number;
  /** Sizes of the leaves other than runs, by powers of two, ascending, without empty buckets. */
  readonly histogram: readonly SizeBucket[];
}

type Tally = { -readonly [Key in Exclude<keyof BlockTreeStats, 'histogram'>]: number };

/** The argument of `visit`: a stored Block of the tree. */
export interface BlockTreeVisit {
  readonly block: HashBlock;
  readonly isSuperblock: boolean;
}

/**
 * Computes the statistics of a Block tree. Reads its superblocks, but no leaves.
 *
 * @param options.visit - called once for each different stored Block
 * @throws {CorruptBlockError} and {MissingBlockError} as leavesOf does
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
  /** For each leaf, by its label, the bytes not yet counted. */
  const unused = new Map<string, number>();
  const histogram = new SizeHistogram();

  const isFirst = (hashed: HashBlock, isSuperblock: boolean): boolean => {
    const key = hashcodeLabel(hashed.hashcode);
    if (seen.has(key)) return false;
    seen.add(key);
    visit?.({ block: hashed, isSuperblock });
    return true;
  };
  const countLeaf = ({ block: leaf, size }: Leaf): void => {
    tally.leaves++;
    if (leaf.kind === 'run') {
      tally.runLeaves++;
      tally.runBytes += size;
      return;
    }
    histogram.add(size);
    if (leaf.kind === 'literal') {
      tally.literalLeaves++;
      tally.literalBytes += size;
      return;
    }
    tally.hashedLeaves++;
    tally.hashedBytes += size;
    if (isFirst(leaf, false)) tally.uniqueLeaves++;
    const label = hashcodeLabel(leaf.hashcode);
    const rest = unused.get(label) ?? leaf.span;
    tally.uniqueBytes += Math.min(rest, size);
    unused.set(label, Math.max(0, rest - size));
  };

  const leaves = leavesOf(source, top, {
    signal,
    onSuperblock({ refs }, depth) {
      tally.superblocks++;
      tally.depth = Math.max(tally.depth, depth + 1);
      if (refs.kind === 'hash' && isFirst(refs, true)) tally.uniqueSuperblocks++;
    },
  });
  for await (const leaf of leaves) countLeaf(leaf);
  return { ...tally, histogram: histogram.buckets() };
}
