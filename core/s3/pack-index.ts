import { ParseError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import { readTrailer } from '../store/records/trailer.ts';
import type { PackName } from './pack-names.ts';
import { packKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Maximum octets of a pack: with a Block of 16 MiB at its end, and its index. */
export const MAX_PACK_SIZE: number = 64 * 1024 * 1024;
/** Octets at the end of a pack that mostly contain its whole index. */
const TAIL_SIZE = 256 * 1024;

/**
 * Reads the index at the end of a pack; undefined if the pack does not exist.
 *
 * @throws {ParseError} if it is damaged
 */
export async function readPackIndex(
  client: S3Client,
  name: PackName,
  hash: HashFunction,
  options: OpOptions = {},
): Promise<DatafileIndex | undefined> {
  for (const size of [TAIL_SIZE, MAX_PACK_SIZE]) {
    const tail = await client.getTail(packKey(name), size, options);
    if (tail === undefined) return undefined;
    const { data, totalSize } = tail;
    const start = totalSize - data.length;
    const readAt = (offset: number, length: number): Buffer =>
      data.subarray(Math.max(0, offset - start), Math.max(0, offset - start + length));
    const trailer = readTrailer(readAt, totalSize, hash.digestSize);
    if (trailer !== undefined) return trailer.index;
  }
  throw new ParseError(`read pack "${name}" of "${client.name}": its index is damaged`, 0);
}
