import { copyOctets } from '../base/copy-octets.ts';
import type { Block } from '../block/block.ts';
import type { HashFunction } from '../block/hash.ts';
import { BlockWindow, StaleLocationError } from './block-window.ts';
import type { RowRange } from './export-batch.ts';
import type { PackedSegments, SegmentRows } from './segment-rows.ts';
import { CELL, ROW_SIZE, SEGMENT } from './segment-rows.ts';

/** Maximum bytes of a small content. */
export const MAX_SMALL_SIZE = 128 * 1024;

/** Receives contents, one after the other. */
export interface ContentTaker {
  /** Returns memory of exactly the content's size; undefined if the content is not wanted. */
  room(index: number): Uint8Array | undefined;
  /** Called when the memory has the content, complete and verified. */
  take(index: number): void;
}

/** Reads the Blocks of many small contents together, and assembles each content in memory that its taker provides. */
export class SmallContents implements Disposable {
  readonly #window: BlockWindow;

  constructor(hash: HashFunction) {
    this.#window = new BlockWindow(hash);
  }

  /**
   * Reads contents. Those that cannot be read this way are left out. Read these through the Store, which reports errors.
   *
   * @param ranges - the rows of each content, from a plan of these Blocks
   */
  read(blocks: readonly Block[], rows: SegmentRows, ranges: readonly (RowRange | undefined)[], taker: ContentTaker): void {
    const segments = rows.pack();
    this.#window.use(segments);
    for (const [index, block] of blocks.entries()) {
      const range = ranges[index];
      const room = range && taker.room(index);
      if (range === undefined || room === undefined) continue;
      try {
        if (fillRows(this.#window, segments, range, room) === block.span) taker.take(index);
      } catch (error) {
        if (!(error instanceof StaleLocationError)) throw error;
      }
    }
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#window[Symbol.dispose]();
  }
}

/**
 * Assembles a content from its segments. All bytes are verified.
 *
 * @param window - must use these segments
 * @param target - filled from its start
 * @returns the number of bytes written
 * @throws {StaleLocationError} if a Block cannot be read at its location
 */
export function fillRows(window: BlockWindow, segments: PackedSegments, { firstRow, endRow }: RowRange, target: Uint8Array): number {
  const { cells, literals } = segments;
  let at = 0;
  for (let row = firstRow; row < endRow; row++) {
    const cell = row * ROW_SIZE;
    const wanted = cells[cell + CELL.wanted] as number;
    const offset = cells[cell + CELL.offset] as number;
    switch (cells[cell + CELL.kind]) {
      case SEGMENT.run:
        target.fill(offset, at, at + wanted);
        break;
      case SEGMENT.data:
        copyOctets(target, at, literals.subarray(offset, offset + wanted));
        break;
      default:
        if (!window.holds(row)) window.fill(row);
        copyOctets(target, at, window.view(row));
    }
    at += wanted;
  }
  return at;
}
