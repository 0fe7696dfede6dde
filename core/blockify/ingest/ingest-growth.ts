import type { BlockTreeBuilder } from '../../block/tree-builder.ts';
import { KERNEL_CONTEXT } from '../edge-kernel.ts';
import type { EdgePicker } from '../edge-picker.ts';
import type { LaneContext } from './slice-lane.ts';
import { SliceLane } from './slice-lane.ts';
import { SlicesAhead } from './slices-ahead.ts';
import { SLOT_DATA_SIZE, slotDataAt } from './slots.ts';

/** The state of a growing content. A lane continues from it, and changes its picker and tree. */
export interface Growth {
  readonly picker: EdgePicker;
  readonly tree: BlockTreeBuilder;
  /** Bytes so far. */
  readonly span: number;
  /** The last bytes: those without a leaf, and at least the kernel's context, if there are as many. */
  readonly held: Uint8Array;
}

/** The source of new bytes. */
export interface GrowthSource {
  /** Fills `room` from its start. @returns the number of bytes; fewer than fit, or 0, at the end */
  read(room: Uint8Array): number;
  /** Parses new bytes. @returns the edges, for an EdgePicker */
  parse(slice: Uint8Array): readonly number[] | undefined;
}

/**
 * Appends to a growing content with the workers. Slices are parsed in this thread, in order, and scanned and hashed by workers. Leaves go
 * to the Store at once.
 *
 * @returns the new `held`. If it rejects, picker and tree must not be used any more
 */
export async function ingestGrowth(context: LaneContext, { picker, tree, span, held }: Growth, source: GrowthSource): Promise<Uint8Array> {
  const { bytes, layout } = context;
  const lane = new SliceLane(context, { picker, tree, end: span, tail: held.subarray(held.length - picker.pending) });
  const ahead = new SlicesAhead(context, lane);
  // The last bytes before the current slot.
  let before = Uint8Array.from(held.subarray(Math.max(0, held.length - KERNEL_CONTEXT)));
  let isOver = false;
  try {
    for (;;) {
      while (!isOver && !ahead.isFull) {
        const slot = context.tryAcquire() ?? (ahead.isEmpty ? await context.acquire() : undefined);
        if (slot === undefined) break;
        const dataAt = slotDataAt(layout, slot);
        const room = bytes.subarray(dataAt, dataAt + SLOT_DATA_SIZE);
        let length = 0;
        let parsed: readonly number[] | undefined;
        try {
          length = source.read(room);
          if (length > 0) parsed = source.parse(room.subarray(0, length));
        } finally {
          if (length === 0) context.release(slot);
        }
        isOver = length < SLOT_DATA_SIZE;
        if (length === 0) break;
        bytes.set(before, dataAt - before.length);
        const known = Math.min(KERNEL_CONTEXT, before.length + length);
        ahead.add(slot, length, { fd: undefined, offset: 0, context: before.length }, parsed);
        before = bytes.slice(dataAt + length - known, dataAt + length);
      }
      if (ahead.isEmpty) break;
      await ahead.takeOne();
    }
    const tail = await lane.pause();
    return tail.length >= before.length ? tail : before;
  } finally {
    await ahead.drain();
  }
}
