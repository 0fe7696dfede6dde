import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled } from '../base/errors.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import type { HashFunction } from '../block/hash.ts';
import { type ScanDamage, type ScannedRecord, scanDatafile } from '../datadir/datafiles/datafile-scan.ts';
import {
  DATAFILE_HEADER_SIZE,
  type DatafileStart,
  decodeDatafileHeader,
  decodeRecordHeader,
  RECORD_FIXED_SIZE,
} from '../store/records/datafile.ts';

/** Records walked between two looks at the signal. */
const PAUSE_RECORDS = 8192;

/** What a walk over a data file found. */
export interface RecordWalk {
  readonly start: DatafileStart;
  readonly size: number;
  readonly records: number;
  readonly damage: readonly ScanDamage[];
}

/**
 * Walks the headers of a data file's records, each checked by its CRC, without reading what they hold: one short read a
 * record. Past a place where no record stands the rest is read in full, as by {@link scanDatafile}.
 *
 * @param signal - looked at now and then
 */
export async function walkRecords(
  folder: string,
  name: string,
  hash: HashFunction,
  onRecord: (record: ScannedRecord) => void,
  signal?: AbortSignal,
): Promise<RecordWalk> {
  const fd = openStoreFile(join(folder, name), 'read');
  try {
    const { size } = fstatSync(fd);
    const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
    const start = decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
    if (start.kind === 'short' || start.kind === 'newer') return { start, size, records: 0, damage: [] };
    if (start.kind === 'header' && start.header.hashName !== hash.name) return { start, size, records: 0, damage: [] };
    let records = 0;
    const count = (record: ScannedRecord): void => {
      records++;
      onRecord(record);
    };
    if (start.kind === 'damaged') {
      const { damage } = await scanDatafile(fd, { start: 0, end: size, hash, distrust: true, onRecord: count, signal });
      return { start, size, records, damage };
    }
    const position = await walkHeaders(fd, size, hash, count, signal);
    if (position === size) return { start, size, records, damage: [] };
    const { damage } = await scanDatafile(fd, { start: position, end: size, hash, onRecord: count, signal });
    return { start, size, records, damage };
  } finally {
    closeSync(fd);
  }
}

/** @returns the end of the file, or where no whole record stands */
async function walkHeaders(
  fd: number,
  size: number,
  hash: HashFunction,
  onRecord: (record: ScannedRecord) => void,
  signal: AbortSignal | undefined,
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
