import type { Checkpoint, TailMark, TailState } from './checkpoint.ts';
import { fileOf, fromBase64 } from './checkpoint.ts';
import { statOf } from './stat-of.ts';

/**
 * The number of bytes that no recorded root has: those of local files beyond a checkpoint, and those of the checkpoint beyond the root.
 *
 * @param isRecorded - whether the root of the checkpoint was recorded
 */
export function unrecordedBytes({ tails }: Checkpoint, isRecorded: boolean): number {
  let sum = 0;
  for (const tail of tails) sum += unreadBytes(tail) + (isRecorded ? 0 : Math.max(0, sizeOf(tail) - sizeOf(recordedOf(tail))));
  return sum;
}

function unreadBytes({ path, files }: TailMark): number {
  const stat = statOf(fromBase64(path));
  if (stat?.isFile() !== true) return 0;
  const mark = files.find(({ ino }) => ino === stat.ino.toString());
  return Math.max(0, Number(stat.size) - (mark?.offset ?? 0));
}

function recordedOf(tail: TailMark): TailState | undefined {
  return tail.recorded === undefined ? tail : (tail.recorded ?? undefined);
}

function sizeOf(state: TailState | undefined): number {
  return state === undefined ? 0 : fileOf(state).block.span;
}
