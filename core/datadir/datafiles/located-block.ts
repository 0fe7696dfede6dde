import { VtError } from '../../base/errors.ts';
import { errorReason } from '../../base/system/system-error.ts';
import type { HashFunction } from '../../block/hash.ts';
import { MAX_STORED_SIZE } from '../../block/hash.ts';
import { decodeStored } from '../../store/records/stored-bytes.ts';
import type { Location } from '../index/index-types.ts';
import type { DatafileReaders } from './datafile-readers.ts';

/** What is where a Block should. */
export type LocatedBlock =
  | { readonly kind: 'block'; readonly data: Uint8Array }
  /** The bytes there are not the Block's: they are damaged, or the location is wrong. */
  | { readonly kind: 'damaged'; readonly reason: string }
  /** The file, or the part of it, is not there. */
  | { readonly kind: 'gone' };

/**
 * Reads a Block from a data file, and verifies it against its digest.
 *
 * @throws {VtError} EUNSUPPORTED for a codec of a later version, EFAILED where the file cannot be read
 */
export function readLocatedBlock(readers: DatafileReaders, location: Location, digest: Uint8Array, hash: HashFunction): LocatedBlock {
  const { file, offset, storedSize, size, codec } = location;
  if (codec === 'unknown') {
    throw new VtError('EUNSUPPORTED', `get Block from "${readers.path(file)}": unknown codec "${codec}"`, {
      remedy: 'use a later vtftp',
    });
  }
  if (storedSize > MAX_STORED_SIZE || size > MAX_STORED_SIZE) return { kind: 'damaged', reason: `its location says ${storedSize} bytes` };
  let stored: Buffer;
  try {
    stored = readers.read(file, offset, storedSize);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'gone' };
    throw new VtError('EFAILED', `read "${readers.path(file)}": ${errorReason(error)}`, { cause: error });
  }
  if (stored.length < storedSize) return { kind: 'gone' };
  const data = decodeStored(stored, codec, size, readers.frames(file, offset));
  if (data === undefined) return { kind: 'damaged', reason: 'the stored bytes cannot be decoded' };
  if (Buffer.compare(hash.digest(data), digest) !== 0) return { kind: 'damaged', reason: 'the stored bytes do not match the hashcode' };
  return { kind: 'block', data };
}
