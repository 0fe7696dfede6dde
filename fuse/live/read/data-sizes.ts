import type { Block } from '../../../core/block/block.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';

/** Bytes of a content below which its superblocks are not read to look for holes. */
const MIN_COUNTED_SIZE = 64 * 1024;

/** Limits of one count; the rest of the content then counts as data. */
const MAX_COUNT = { superblocks: 1000, ms: 250 } as const;

/** How much of stored contents is data and not holes, which are runs of NUL. Counted once for each Block that is in use. */
export class DataSizes {
  readonly #source: BlockSource;
  readonly #known = new WeakMap<Block, number | Promise<number>>();

  constructor(source: BlockSource) {
    this.#source = source;
  }

  /** Bytes of data in a Block; undefined where superblocks have to be read for it. */
  now(block: Block): number | undefined {
    if (block.kind === 'run' && block.octet === 0) return 0;
    if (block.kind !== 'indirect' || block.span < MIN_COUNTED_SIZE) return Math.max(0, block.span);
    const known = this.#known.get(block);
    return typeof known === 'number' ? known : undefined;
  }

  /** As {@link DataSizes.now}, but reads superblocks if necessary. If the Store fails, the rest counts as data. */
  async count(block: Block): Promise<number> {
    const now = this.now(block);
    if (now !== undefined) return now;
    const counting = this.#known.get(block) ?? this.#count(block);
    this.#known.set(block, counting);
    const size = await counting;
    this.#known.set(block, size);
    return size;
  }

  async #count(block: Block): Promise<number> {
    const sinceMs = performance.now();
    let superblocks = 0;
    let holes = 0;
    const onSuperblock = (): void => {
      superblocks++;
    };
    try {
      for await (const leaf of leavesOf(this.#source, block, { onSuperblock })) {
        if (leaf.block.kind === 'run' && leaf.block.octet === 0) holes += leaf.size;
        if (superblocks > MAX_COUNT.superblocks || performance.now() - sinceMs > MAX_COUNT.ms) break;
      }
    } catch {
      // Reading the content reports the damage; a stat(2) need not.
    }
    return Math.max(0, block.span) - holes;
  }
}
