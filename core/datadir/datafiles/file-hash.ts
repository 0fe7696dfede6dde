import type { HashFunction } from '../../block/hash.ts';
import { HASH_NAMES, hashByName } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import { frameFinder } from '../../store/records/frame.ts';
import { decodeStored } from '../../store/records/stored-bytes.ts';
import type { ReadAt } from '../../store/records/trailer.ts';

/**
 * The hash function of the records in a data file: as its header says, or its first record where the header is damaged.
 *
 * @param otherwise - where neither tells
 */
export function hashOfDatafile(read: ReadAt, otherwise: HashFunction): HashFunction {
  const start = decodeDatafileHeader(read(0, DATAFILE_HEADER_SIZE));
  if (start.kind === 'header') return hashByName(start.header.hashName);
  if (start.kind !== 'damaged') return otherwise;
  return HASH_NAMES.map(hashByName).find((hash) => isFirstRecord(read, hash)) ?? otherwise;
}

function isFirstRecord(read: ReadAt, hash: HashFunction): boolean {
  const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  let at = DATAFILE_HEADER_SIZE;
  let header = decodeRecordHeader(read(at, headerSize), 0, hash.digestSize);
  if (header?.isGap === true) {
    at += headerSize + header.storedSize;
    header = decodeRecordHeader(read(at, headerSize), 0, hash.digestSize);
  }
  if (header === undefined) return false;
  const offset = at + headerSize;
  const data = decodeStored(read(offset, header.storedSize), header.codec, header.size, frameFinder(read, offset));
  return data !== undefined && Buffer.compare(hash.digest(data), header.digest) === 0;
}
