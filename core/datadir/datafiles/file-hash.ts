import type { HashFunction } from '../../block/hash.ts';
import { HASH_NAMES, hashByName } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
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
  const header = decodeRecordHeader(read(DATAFILE_HEADER_SIZE, headerSize), 0, hash.digestSize);
  if (header === undefined || (header.codec !== 'none' && header.codec !== 'zlib')) return false;
  const data = decodeStored(read(DATAFILE_HEADER_SIZE + headerSize, header.storedSize), header.codec, header.size);
  return data !== undefined && Buffer.compare(hash.digest(data), header.digest) === 0;
}
