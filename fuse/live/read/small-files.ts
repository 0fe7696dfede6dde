import type { Block } from '../../../core/block/block.ts';
import { BlockWindow, StaleLocationError } from '../../../core/export/block-window.ts';
import type { ContentPlanner } from '../../../core/export/content-planner.ts';
import { SegmentRows } from '../../../core/export/segment-rows.ts';
import { digestKey } from './leaf-finder.ts';
import { LeafRing } from './leaf-ring.ts';
import { fillRows } from './read-part.ts';

/** Octets of the largest file that counts as small. */
export const MAX_SMALL_SIZE = 128 * 1024;

/** Octets of small files that are kept. */
const MAX_KEPT_SIZE = 32 * 1024 * 1024;

/** Small files that were read and verified, many at once, and are kept whole for those who ask for them soon. */
export class SmallFiles implements Disposable {
  readonly #planner: ContentPlanner;
  readonly #window: BlockWindow;
  readonly #ring = new LeafRing(MAX_KEPT_SIZE);

  /** @param planner - of a Store that tells where its Blocks lie */
  constructor(planner: ContentPlanner) {
    this.#planner = planner;
    this.#window = new BlockWindow(planner.hash);
  }

  /** A content that is kept: a view that is valid until `fetch` is next called. */
  find(block: Block): Uint8Array | undefined {
    const key = keyOf(block);
    const found = key === undefined ? undefined : this.#ring.find(key);
    return found?.length === block.span ? found : undefined;
  }

  /** Reads contents together. Those that are not to be had so are left out: the Store itself says why. */
  fetch(blocks: readonly Block[]): void {
    const rows = new SegmentRows(this.#planner.hash.digestSize, 4 * blocks.length);
    const ranges = this.#planner.plan(blocks, rows);
    const segments = rows.pack();
    this.#window.use(segments);
    for (const [index, block] of blocks.entries()) {
      const range = ranges[index];
      const key = keyOf(block);
      if (range === undefined || key === undefined || !this.#ring.takes(block.span)) continue;
      try {
        const room = this.#ring.room(block.span);
        if (fillRows(this.#window, segments, range, room) === block.span) this.#ring.keep(key, block.span);
      } catch (error) {
        if (!(error instanceof StaleLocationError)) throw error;
      }
    }
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#window[Symbol.dispose]();
    this.#ring.clear();
  }
}

/** A key for what is worth keeping: a content that is hashed. */
function keyOf(block: Block): string | undefined {
  const hashed = block.kind === 'indirect' ? block.refs : block;
  if (hashed.kind !== 'hash') return undefined;
  const { digest } = hashed.hashcode;
  return digestKey(digest, 0, digest.length);
}
