import type { HashFunction } from '../../block/hash.ts';
import type { OtherNames } from '../../store/capabilities.ts';
import { frameFinder } from '../../store/records/frame.ts';
import { decodeStored } from '../../store/records/stored-bytes.ts';
import type { ScannedRecord } from '../datafiles/datafile-scan.ts';

/** What names the Blocks of data files as the Store does. */
export interface RecordNames {
  readonly names: Pick<OtherNames, 'find'>;
  readonly hash: HashFunction;
}

/**
 * The digest by which the Store knows a record of a data file, which may be of another hash function: from before a transition in place.
 * The map of names gives it. What the map does not name, as an old Dir, is hashed.
 *
 * @param fileHash - that of the data file
 * @param read - reads bytes of the file
 * @returns undefined for a Block that is damaged there
 */
export function digestInStore(
  { names, hash }: RecordNames,
  fileHash: HashFunction,
  record: ScannedRecord,
  read: (offset: number, size: number) => Buffer,
): Uint8Array | undefined {
  const { digest, codec, offset, storedSize, size } = record;
  if (fileHash === hash) return digest;
  const named = names.find('bytes', { kind: 'hash', span: size, hashcode: { hashName: fileHash.name, digest } }, hash.name);
  if (named?.kind === 'hash') return named.hashcode.digest;
  const stored = read(offset, storedSize);
  const data = stored.length === storedSize ? decodeStored(stored, codec, size, frameFinder(read, offset)) : undefined;
  return data !== undefined && Buffer.compare(fileHash.digest(data), digest) === 0 ? hash.digest(data) : undefined;
}
