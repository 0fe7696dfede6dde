import { readFully } from '../../base/system/read-fully.ts';
import type { Block } from '../../block/block.ts';
import { KERNEL_CONTEXT } from '../edge-kernel.ts';
import type { ContentHint } from '../parser.ts';
import { MAX_HEAD_SIZE } from '../parser.ts';
import { fileSlices } from './file-slices.ts';
import { LaneParsing } from './lane-parsing.ts';
import type { LaneContext } from './slice-lane.ts';
import { SliceLane } from './slice-lane.ts';
import { SlicesAhead } from './slices-ahead.ts';
import { SLOT_DATA_SIZE } from './slots.ts';

/** For the parser of a file with more bytes, a worker is started. */
const WORTH_A_WORKER = 4 * 1024 * 1024;

/**
 * Stores an open file. Workers read its slices; holes are not read.
 *
 * @param size - bytes to read; fewer if the file turns out to be shorter
 * @param sparse - whether it may have holes
 * @param hint - chooses the parser, with the first bytes
 */
export async function ingestOpenFile(context: LaneContext, fd: number, size: number, sparse: boolean, hint: ContentHint): Promise<Block> {
  const lane = new SliceLane(context);
  const head = new Uint8Array(Math.min(size, MAX_HEAD_SIZE));
  const parser = context.parserOf(hint, head.subarray(0, readFully(fd, head, 0)));
  if (parser !== undefined) lane.useParsing(new LaneParsing(context, parser, size > WORTH_A_WORKER));
  const ahead = new SlicesAhead(context, lane);
  const slices = fileSlices(fd, size, sparse, SLOT_DATA_SIZE);
  let next = slices.next();
  try {
    for (;;) {
      while (next.done !== true && !ahead.isFull) {
        const { hole, offset, length } = next.value;
        const slot = context.tryAcquire() ?? (ahead.isEmpty ? await context.acquire() : undefined);
        if (slot === undefined) break;
        if (hole) ahead.addHole(slot, length);
        else ahead.add(slot, length, { fd, offset, context: Math.min(offset, KERNEL_CONTEXT) });
        next = slices.next();
      }
      // After a truncated slice there is no more data.
      if (ahead.isEmpty || !(await ahead.takeOne())) break;
    }
    return await lane.finish();
  } finally {
    await ahead.drain();
  }
}
