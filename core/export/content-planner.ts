import type { Block } from '../block/block.ts';
import type { HashFunction } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { Store } from '../store/store.ts';
import { BlockWindow, StaleLocationError } from './block-window.ts';
import { ContentPlan } from './content-plan.ts';
import type { RowRange } from './export-batch.ts';
import type { SegmentRows } from './segment-rows.ts';

/** Bytes of a superblock that is read here: ours have 64 KiB and a reference. A larger one is read through the Store. */
const MAX_SUPERBLOCK_SIZE = 128 * 1024;

/** Bytes of superblocks that one reading gives: of ours, those of some 30 MiB of content a MiB. */
const READ_SIZE = 1024 * 1024;

/** The same, of contents that are planned together. */
const PLAN_READ_SIZE = 8 * 1024 * 1024;

/**
 * Finds out of which Blocks contents are made: the superblocks of many files are located, read and verified together, level by
 * level. Each by itself, through the Store, took 70 µs; it takes some 15 µs so.
 */
export class ContentPlanner implements Disposable {
  readonly source: Store;
  readonly hash: HashFunction;
  readonly #window: BlockWindow;
  readonly #plan: ContentPlan;

  /** @param source - one that says where its Blocks are */
  constructor(source: Store) {
    this.source = source;
    this.hash = hashByName(source.hashName);
    this.#window = new BlockWindow(this.hash);
    this.#plan = new ContentPlan(this.hash);
  }

  /**
   * The bytes of superblocks, verified; undefined where one is not to be had at its location, or larger than any of ours.
   *
   * @param maxSize - bytes after which no more are read
   * @returns at least the first, where there is one
   */
  read(digests: SegmentRows, maxSize: number = READ_SIZE): (Uint8Array | undefined)[] {
    digests.locate(this.source);
    this.#window.use(digests.pack());
    const out: (Uint8Array | undefined)[] = [];
    let size = 0;
    for (let row = 0; row < digests.count && size < maxSize; row++) {
      const isReadable = digests.isLocated(row, row + 1) && digests.sizeOf(row) <= MAX_SUPERBLOCK_SIZE;
      const bytes = isReadable ? this.#readRow(row) : undefined;
      size += bytes?.length ?? 0;
      out.push(bytes);
    }
    return out;
  }

  #readRow(row: number): Uint8Array | undefined {
    try {
      if (!this.#window.holds(row)) this.#window.fill(row);
      return new Uint8Array(this.#window.view(row));
    } catch (error) {
      if (error instanceof StaleLocationError) return undefined;
      throw error;
    }
  }

  /**
   * Adds the segments of contents to `rows`, in order, and locates them.
   *
   * @returns for each Block its rows; undefined where not all is to be had that way: the Store itself has to be asked,
   * and says what is wrong
   */
  plan(blocks: readonly Block[], rows: SegmentRows): (RowRange | undefined)[] {
    const steps = this.#plan.steps(blocks, rows);
    let step = steps.next();
    while (step.done !== true) step = steps.next(this.read(step.value, PLAN_READ_SIZE));
    rows.locate(this.source);
    return step.value.map((range) => (range !== undefined && rows.isLocated(range.firstRow, range.endRow) ? range : undefined));
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#window[Symbol.dispose]();
  }
}
