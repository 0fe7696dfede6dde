import type { Block } from '../../block/block.ts';
import { KERNEL_CONTEXT } from '../edge-kernel.ts';
import type { ContentHint } from '../parser.ts';
import { LaneParsing } from './lane-parsing.ts';
import type { LaneContext } from './slice-lane.ts';
import { SliceLane } from './slice-lane.ts';
import { SlicesAhead } from './slices-ahead.ts';
import { SLOT_DATA_SIZE, slotDataAt } from './slots.ts';

/**
 * Stores a content that comes in chunks. A chunk may be reused once the next is requested.
 *
 * @param start - bytes of the content before the first chunk, which are not part of the Block
 */
export async function ingestStream(
  context: LaneContext,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hint: ContentHint,
  start = 0,
): Promise<Block> {
  const { bytes, layout } = context;
  const lane = new SliceLane(context, undefined, start);
  const ahead = new SlicesAhead(context, lane);
  // The last bytes before the current slot.
  const before = Buffer.alloc(KERNEL_CONTEXT);
  let known = 0;
  let isFirst = true;
  let slot: number | undefined;
  let filled = 0;
  const send = async (): Promise<void> => {
    if (slot === undefined || filled === 0) return;
    const dataAt = slotDataAt(layout, slot);
    bytes.set(before.subarray(KERNEL_CONTEXT - known), dataAt - known);
    const end = dataAt + filled;
    if (isFirst) {
      isFirst = false;
      const parser = context.parserOf(hint, bytes.subarray(dataAt, end));
      if (parser !== undefined) lane.useParsing(new LaneParsing(context, parser, filled === SLOT_DATA_SIZE));
    }
    const size = Math.min(KERNEL_CONTEXT, known + filled);
    before.set(bytes.subarray(end - size, end), KERNEL_CONTEXT - size);
    ahead.add(slot, filled, { fd: undefined, offset: 0, context: known });
    known = size;
    slot = undefined;
    filled = 0;
    if (ahead.isFull) await ahead.takeOne();
  };
  const nextSlot = async (): Promise<number> => {
    const free = context.tryAcquire();
    if (free !== undefined) return free;
    // Slices ahead hold slots, which are only freed by taking them.
    while (!ahead.isEmpty) await ahead.takeOne();
    return await context.acquire();
  };
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        slot ??= await nextSlot();
        const part = chunk.subarray(at, at + SLOT_DATA_SIZE - filled);
        bytes.set(part, slotDataAt(layout, slot) + filled);
        filled += part.length;
        at += part.length;
        if (filled === SLOT_DATA_SIZE) await send();
      }
    }
    await send();
    while (!ahead.isEmpty) await ahead.takeOne();
    return await lane.finish();
  } finally {
    if (slot !== undefined) context.release(slot);
    await ahead.drain();
  }
}
