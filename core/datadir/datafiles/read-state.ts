import { ParseError, VtError } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { decodeDirent } from '../../dirent/dirent-codec.ts';
import { decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { ReadAt } from '../../store/records/trailer.ts';

/**
 * Reads the Dirent of a state in a one-file Store.
 *
 * @param offset - where its record begins
 * @param path - of the file, for errors
 * @returns the Dirent, or why it cannot be read
 */
export function readState(readAt: ReadAt, offset: number, hash: HashFunction, path: string): Dirent | VtError {
  const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  const header = decodeRecordHeader(readAt(offset, headerSize), 0, hash.digestSize);
  const damaged = (what: string): VtError => new VtError('ECORRUPT', `read data file "${path}": ${what}, at byte ${offset}`);
  if (header === undefined || header.codec !== 'none') return damaged('no Dirent stands where one should');
  const data = readAt(offset + headerSize, header.storedSize);
  if (Buffer.compare(hash.digest(data), header.digest) !== 0) return damaged('its Dirent is damaged');
  try {
    const { value: dirent, next } = decodeDirent(data, 0);
    return next === data.length ? dirent : damaged('more than a Dirent stands there');
  } catch (error) {
    if (error instanceof ParseError) return damaged('no Dirent stands where one should');
    throw error;
  }
}
