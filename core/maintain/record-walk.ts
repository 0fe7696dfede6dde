import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreFile } from '../base/system/store-files.ts';
import { type ScanDamage, type ScannedRecord, scanDatafile } from '../datadir/datafiles/datafile-scan.ts';
import { hashOfDatafile } from '../datadir/datafiles/file-hash.ts';
import { walkHeaders } from '../datadir/datafiles/header-walk.ts';
import { readAtOf } from '../datadir/datafiles/read-at.ts';
import type { RecordNames } from '../datadir/names/record-names.ts';
import { digestInStore } from '../datadir/names/record-names.ts';
import { DATAFILE_HEADER_SIZE, type DatafileStart, decodeDatafileHeader } from '../store/records/datafile.ts';

/** The result of a walk over a data file. */
export interface RecordWalk {
  readonly start: DatafileStart;
  readonly size: number;
  readonly records: number;
  readonly damage: readonly ScanDamage[];
  /** Whether its records have another hash function than the Store: they predate a transition in place. */
  readonly isOther: boolean;
}

/**
 * Walks the record headers of a data file, each checked by its CRC, without reading contents: one short read per record. After an invalid
 * record the rest is read in full, as by {@link scanDatafile}.
 *
 * @param naming - gives the digests that the Store uses
 * @param signal - checked now and then
 */
export async function walkRecords(
  folder: string,
  name: string,
  naming: RecordNames,
  onRecord: (record: ScannedRecord) => void,
  signal?: AbortSignal,
): Promise<RecordWalk> {
  const fd = openStoreFile(join(folder, name), 'read');
  try {
    const { size } = fstatSync(fd);
    const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
    const start = decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
    if (start.kind === 'short' || start.kind === 'newer') return { start, size, records: 0, damage: [], isOther: false };
    const read = readAtOf(fd);
    const hash = hashOfDatafile(read, naming.hash);
    const isOther = hash !== naming.hash;
    let records = 0;
    const count = (record: ScannedRecord): void => {
      records++;
      const digest = digestInStore(naming, hash, record, read);
      if (digest !== undefined) onRecord({ ...record, digest });
    };
    if (start.kind === 'damaged') {
      const { damage } = await scanDatafile(fd, { start: 0, end: size, hash, distrust: true, onRecord: count, signal });
      return { start, size, records, damage, isOther };
    }
    const position = await walkHeaders(fd, size, hash, count, signal);
    if (position === size) return { start, size, records, damage: [], isOther };
    const { damage } = await scanDatafile(fd, { start: position, end: size, hash, onRecord: count, signal });
    return { start, size, records, damage, isOther };
  } finally {
    closeSync(fd);
  }
}
