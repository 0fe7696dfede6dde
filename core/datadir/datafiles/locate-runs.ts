import type { BlockLocation } from '../../store/block-location.ts';
import { PART_SIZE } from '../../store/records/frame.ts';

/** Blocks between two that are looked up: more would be looked up in vain where a run is broken. */
const STRIDE = 32;

/**
 * Locates Blocks, most of them without a look into the index, which takes 3 µs a Block: a file's Blocks mostly are one after the
 * other, as they were added. Two Blocks of the list may be in one file, as far apart as the records of those between them would
 * take. Then those are taken to be there; so too where the records of a frame are between them. Else the middle one is looked up, and so on for both halves. What is read at a
 * location is verified in any case, and a wrong one is found by that.
 *
 * @param spans - the size of each Block
 * @param headerSize - bytes of a record before the stored ones
 * @param locate - looks up one
 */
export function locateRuns(
  digests: readonly Uint8Array[],
  spans: readonly number[],
  headerSize: number,
  locate: (digest: Uint8Array) => BlockLocation | undefined,
): (BlockLocation | undefined)[] {
  const found = new Array<BlockLocation | undefined>(digests.length);
  const lookUp = (index: number): void => {
    found[index] = locate(digests[index] as Uint8Array);
  };
  const between = (low: number, high: number): void => {
    if (high - low < 2) return;
    const first = found[low];
    const last = found[high];
    if (first !== undefined && last !== undefined && isOneFrame(first, last, high - low, headerSize)) {
      for (let i = low + 1; i < high; i++)
        found[i] = { ...first, offset: first.offset + (i - low) * (headerSize + PART_SIZE), size: spans[i] as number };
      return;
    }
    if (first !== undefined && last !== undefined && isPlain(first, spans[low]) && isPlain(last, spans[high]) && first.file === last.file) {
      let offset = first.offset;
      for (let i = low; i < high; i++) offset += (spans[i] as number) + headerSize;
      if (offset === last.offset) {
        offset = first.offset;
        for (let i = low + 1; i < high; i++) {
          offset += (spans[i - 1] as number) + headerSize;
          const size = spans[i] as number;
          found[i] = { file: first.file, offset, storedSize: size, size, codec: 'none' };
        }
        return;
      }
    }
    const middle = (low + high) >> 1;
    lookUp(middle);
    between(low, middle);
    between(middle, high);
  };
  if (digests.length > 0) lookUp(0);
  for (let low = 0; low < digests.length - 1; low += STRIDE) {
    const high = Math.min(low + STRIDE, digests.length - 1);
    lookUp(high);
    between(low, high);
  }
  return found;
}

/** Whether two records may be of one frame, with `count - 1` others between them. */
function isOneFrame(first: BlockLocation, last: BlockLocation, count: number, headerSize: number): boolean {
  if (first.codec !== 'part' || last.codec !== 'part' || first.file !== last.file) return false;
  return last.offset - first.offset === count * (headerSize + PART_SIZE);
}

function isPlain(location: BlockLocation, span: number | undefined): boolean {
  return location.codec === 'none' && location.size === span && location.storedSize === span;
}
