import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreFile } from '../base/system/store-files.ts';
import type { HashFunction } from '../block/hash.ts';
import { type ScanDamage, type ScannedRecord, scanDatafile } from '../datadir/datafiles/datafile-scan.ts';
import { walkHeaders } from '../datadir/datafiles/header-walk.ts';
import { DATAFILE_HEADER_SIZE, type DatafileStart, decodeDatafileHeader } from '../store/records/datafile.ts';

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
