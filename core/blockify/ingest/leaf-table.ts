import type { Block } from '../../block/block.ts';
import type { BlockSink } from '../../block/block-sink.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import { BlockTreeBuilder } from '../../block/tree-builder.ts';
import type { AddedBlocks } from './block-intake.ts';
import type { ContentsResult, LeafTable } from './ingest-protocol.ts';

/** A leaf that is stored as a Block. */
export const LEAF_HASHED = 0;

/** A leaf whose bytes are all equal. */
export const LEAF_RUN = 1;

/** A leaf whose bytes are in its reference. */
export const LEAF_LITERAL = 2;

/** Reads the leaves of a table in order. */
export class LeafReader {
  readonly #hashName: HashName;
  readonly #digestSize: number;
  readonly #table: LeafTable;
  readonly #ranges: ArrayLike<number>;
  readonly #bytes: Uint8Array;
  #next = 0;
  #nextHashed = 0;

  /** @param ranges - pairs: start and end of each leaf in `bytes` */
  constructor(hashName: HashName, table: LeafTable, ranges: ArrayLike<number>, bytes: Uint8Array) {
    this.#hashName = hashName;
    this.#digestSize = hashByName(hashName).digestSize;
    this.#table = table;
    this.#ranges = ranges;
    this.#bytes = bytes;
  }

  /** The Block of the next leaf. */
  block(): Block {
    const i = this.#next++;
    const start = this.#ranges[i * 2] ?? 0;
    const end = this.#ranges[i * 2 + 1] ?? 0;
    const span = end - start;
    switch (this.#table.kinds[i]) {
      case LEAF_RUN:
        return { kind: 'run', span, octet: this.#bytes[start] ?? 0 };
      case LEAF_LITERAL:
        return { kind: 'literal', span, data: this.#bytes.slice(start, end) };
      default: {
        const at = this.#nextHashed++ * this.#digestSize;
        return {
          kind: 'hash',
          span,
          hashcode: { hashName: this.#hashName, digest: this.#table.digests.subarray(at, at + this.#digestSize) },
        };
      }
    }
  }

  /** Adds the next leaf to a tree, without making an object for a hashed one. */
  addTo(tree: BlockTreeBuilder): void {
    if (this.#table.kinds[this.#next] !== LEAF_HASHED) {
      tree.add(this.block());
      return;
    }
    const i = this.#next++;
    tree.addHashed((this.#ranges[i * 2 + 1] ?? 0) - (this.#ranges[i * 2] ?? 0), this.#table.digests, this.#nextHashed++ * this.#digestSize);
  }
}

/** Makes the Block of each content from its leaves; without leaves, the empty Block. @param sink - receives superblocks */
export function blocksOf(hashName: HashName, result: ContentsResult, bytes: Uint8Array, sink: BlockSink): Block[] {
  const leaves = new LeafReader(hashName, result, result.ranges, bytes);
  const tree = new BlockTreeBuilder(sink);
  const blocks: Block[] = [];
  for (const count of result.counts) {
    if (count === 1) blocks.push(leaves.block());
    else {
      for (let k = 0; k < count; k++) leaves.addTo(tree);
      blocks.push(tree.finish());
    }
  }
  return blocks;
}

/** The hashed leaves of a table in the form for the Store: records, or, if none were made, Blocks whose data are views of `bytes`. */
export function addedOf(table: LeafTable, ranges: ArrayLike<number>, bytes: Uint8Array, digestSize: number): AddedBlocks {
  const { kinds, digests, names, sizes, storedSizes, codecs, imageAt, imageSize } = table;
  if (imageSize > 0) {
    const image = bytes.subarray(imageAt, imageAt + imageSize);
    return { records: { count: sizes.length, digests, sizes, storedSizes, codecs, image, sealedAs: names } };
  }
  const blocks: DigestedBlock[] = [];
  for (let i = 0, at = 0; i < kinds.length; i++) {
    if (kinds[i] !== LEAF_HASHED) continue;
    blocks.push({ digest: digests.subarray(at, at + digestSize), data: bytes.subarray(ranges[i * 2], ranges[i * 2 + 1]) });
    at += digestSize;
  }
  return { blocks };
}
