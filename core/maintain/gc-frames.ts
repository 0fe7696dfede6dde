import { decodeRecordHeader, GAP_KIND, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { decodePart } from '../store/records/frame.ts';
import type { ReadAt } from '../store/records/trailer.ts';
import type { Entry } from './gc-entries.ts';
import type { OctetRange } from './gc-in-place.ts';

/**
 * Finds frames without remaining Blocks. Each range includes the records behind the frame, so freeing it leaves no record without its
 * frame. A frame with a remaining Block stays until its file is copied.
 *
 * @param read - reads from the data file
 * @param entries - the entries to remove, all of that file
 * @param digestSize - in bytes
 */
export function emptyFrames(read: ReadAt, entries: readonly Entry[], digestSize: number): OctetRange[] {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const going = new Set<number>();
  const frames = new Set<number>();
  for (const [, { codec, offset, storedSize }] of entries) {
    const part = codec === 'part' ? decodePart(read(offset, storedSize)) : undefined;
    if (part === undefined || part.back > offset - headerSize) continue;
    going.add(offset);
    frames.add(offset - part.back);
  }
  return [...frames].flatMap((frameAt) => {
    const end = endOfParts(read, frameAt, going, headerSize);
    return end === undefined ? [] : [{ start: frameAt - headerSize, end }];
  });
}

/** The end of the last record of a frame; undefined if one of its Blocks remains. */
function endOfParts(read: ReadAt, frameAt: number, going: ReadonlySet<number>, headerSize: number): number | undefined {
  const digestSize = headerSize - RECORD_FIXED_SIZE;
  const frame = decodeRecordHeader(read(frameAt - headerSize, headerSize), 0, digestSize);
  if (frame?.isGap !== true || frame.size !== GAP_KIND.frame) return undefined;
  let end = frameAt + frame.storedSize;
  for (let at = end + headerSize; ; ) {
    const record = decodeRecordHeader(read(at - headerSize, headerSize), 0, digestSize);
    const isFreed = record?.isGap === true && record.size === GAP_KIND.freed;
    if (record === undefined || (record.codec !== 'part' && !isFreed)) return end;
    if (!isFreed) {
      const part = decodePart(read(at, record.storedSize));
      if (part === undefined || at - part.back !== frameAt) return end;
      if (!going.has(at)) return undefined;
      end = at + record.storedSize;
    }
    at += record.storedSize + headerSize;
  }
}
