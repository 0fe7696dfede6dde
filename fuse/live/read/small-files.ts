import type { Block } from '../../../core/block/block.ts';
import type { ContentPlanner } from '../../../core/export/content-planner.ts';
import { SegmentRows } from '../../../core/export/segment-rows.ts';
import { SmallContents } from '../../../core/export/small-contents.ts';
import { digestKey } from './leaf-finder.ts';
import { LeafRing } from './leaf-ring.ts';

/** Bytes of small files that are kept. */
const MAX_KEPT_SIZE = 32 * 1024 * 1024;

/** A cache of small files that were read and verified, many at once. */
export class SmallFiles implements Disposable {
  readonly #planner: ContentPlanner;
  readonly #contents: SmallContents;
  readonly #ring = new LeafRing(MAX_KEPT_SIZE);

  /** @param planner - of a Store that reports the locations of its Blocks */
  constructor(planner: ContentPlanner) {
    this.#planner = planner;
    this.#contents = new SmallContents(planner.hash);
  }

  /** A cached content: a view that is valid until the next call of `fetch`. */
  find(block: Block): Uint8Array | undefined {
    const key = keyOf(block);
    const found = key === undefined ? undefined : this.#ring.find(key);
    return found?.length === block.span ? found : undefined;
  }

  /** Reads contents together. Those not found at their locations are left out: reading through the Store gives the reason. */
  fetch(blocks: readonly Block[]): void {
    const wanted = blocks.flatMap((block) => {
      const key = keyOf(block);
      return key !== undefined && this.#ring.takes(block.span) ? [{ key, size: block.span, block }] : [];
    });
    const wantedBlocks = wanted.map(({ block }) => block);
    const rows = new SegmentRows(this.#planner.hash.digestSize, 4 * wanted.length);
    const ranges = this.#planner.plan(wantedBlocks, rows);
    this.#contents.read(wantedBlocks, rows, ranges, {
      room: (index) => {
        const found = wanted[index];
        return found && this.#ring.room(found.size);
      },
      take: (index) => {
        const found = wanted[index];
        if (found !== undefined) this.#ring.keep(found.key, found.size);
      },
    });
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#contents[Symbol.dispose]();
    this.#ring.clear();
  }
}

/** The cache key of a content; undefined for one that is not hashed and not worth caching. */
function keyOf(block: Block): string | undefined {
  const hashed = block.kind === 'indirect' ? block.refs : block;
  if (hashed.kind !== 'hash') return undefined;
  const { digest } = hashed.hashcode;
  return digestKey(digest, 0, digest.length);
}
