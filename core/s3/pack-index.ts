import { ParseError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import { readTrailer } from '../store/records/trailer.ts';
import type { PackName } from './pack-names.ts';
import { packKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Octets of a pack: one with a Block of 16 MiB at its end, and its index. */
export const MAX_PACK_SIZE: number = 64 * 1024 * 1024;
/** Octets at the end of a pack that hold its index, mostly. */
const TAIL_SIZE = 256 * 1024;

/**
 * Which Blocks are in a pack, by the index at its end; undefined where the pack is not there.
 *
 * @throws {ParseError} for a damaged one
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
