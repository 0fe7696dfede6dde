import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import type { HashFunction } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { Store } from '../store/store.ts';
import { ContentPlan } from './content-plan.ts';
import type { RowRange } from './export-batch.ts';
import type { SegmentRows } from './segment-rows.ts';

/** Maximum superblocks requested together: those of about 30 MiB of content. */
const AT_ONCE = 256;

/**
 * Gets contents from a Store without locations, which may be far away. All superblocks of a level are requested together, and then all
 * leaves as records. The records are kept in memory, where workers verify them like records in a file.
 */
export class ContentFetcher {
  readonly source: Store;
  readonly hash: HashFunction;
  readonly #plan: ContentPlan;

  /** @param source - a Store with the capability `recordSource` */
  constructor(source: Store) {
    this.source = source;
    this.hash = hashByName(source.hashName);
    this.#plan = new ContentPlan(this.hash);
  }

  /**
   * Adds the segments of contents to `rows`, in order, and fetches their Blocks.
   *
   * @returns for each Block its rows; undefined if not all of it can be fetched this way. Then read it through the Store, which reports
   * errors
   */
  async plan(blocks: readonly Block[], rows: SegmentRows, options: OpOptions): Promise<(RowRange | undefined)[]> {
    const steps = this.#plan.steps(blocks, rows);
    let step = steps.next();
    while (step.done !== true) step = steps.next(await this.#superblocks(step.value, options));
    await rows.fetch(this.source, options);
    return step.value.map((range) => (range !== undefined && rows.isLocated(range.firstRow, range.endRow) ? range : undefined));
  }

  /** The bytes of superblocks; undefined for those that cannot be read. Reading the content through the Store gives the error. */
  async #superblocks(wanted: SegmentRows, options: OpOptions): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = [];
    while (found.length < wanted.count) {
      const first = found.length;
      const some = Array.from({ length: Math.min(AT_ONCE, wanted.count - first) }, async (_, i) => {
        const hashcode = { hashName: this.hash.name, digest: wanted.digestOf(first + i) };
        return await this.source.get(hashcode, options).catch(() => undefined);
      });
      appendAll(found, await Promise.all(some));
    }
    return found;
  }
}
