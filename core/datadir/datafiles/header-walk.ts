import { readSync } from 'node:fs';
import { throwIfCancelled } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { ScannedRecord } from './datafile-scan.ts';

/** Records walked between two looks at the signal. */
const PAUSE_RECORDS = 8192;

/**
 * Walks the headers of a data file's records, each checked by its CRC: one short read a record.
 *
 * @param size - where to end
 * @param signal - looked at now and then
 * @returns `size`, or where no whole record is
 */
export async function walkHeaders(
  fd: number,
  size: number,
  hash: HashFunction,
  onRecord: (record: ScannedRecord) => void,
  signal?: AbortSignal,
): Promise<number> {
  const header = Buffer.alloc(RECORD_FIXED_SIZE + hash.digestSize);
  let untilPause = PAUSE_RECORDS;
  for (let position = DATAFILE_HEADER_SIZE; ; ) {
    if (position === size) return position;
    if (--untilPause === 0) {
      throwIfCancelled(signal);
      await new Promise((resolve) => setImmediate(resolve));
      untilPause = PAUSE_RECORDS;
    }
    const found = decodeRecordHeader(header.subarray(0, readSync(fd, header, 0, header.length, position)), 0, hash.digestSize);
    const offset = position + header.length;
    if (found === undefined || offset + found.storedSize > size) return position;
    const { codec, storedSize, size: blockSize } = found;
    if (!found.isGap) onRecord({ digest: Uint8Array.from(found.digest), codec, offset, storedSize, size: blockSize });
    position = offset + storedSize;
  }
}
