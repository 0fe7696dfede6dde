import { copyOctets } from '../base/copy-octets.ts';
import type { HashFunction } from '../block/hash.ts';
import type { MemoryDigester } from '../block/memory-digester.ts';
import { checkRecords, readRecords } from '../store/records/check-records.ts';
import { codecByNumber, PAYLOAD_CRC_OFFSET, RECORD_FIXED_SIZE, writeRecordHeader } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';

/** Hashes ranges of an image. */
export type ImageDigester = MemoryDigester;

/** Records of the same Blocks with another hash function. */
export interface Rehashed {
  /** The former digests of the records, concatenated. */
  readonly before: Uint8Array;
  readonly batch: RecordBatch;
}

/** Size in octets of the result of {@link rehashRecords} for `count` records in `size` octets. */
export function rehashedSize(size: number, count: number, from: HashFunction, to: HashFunction): number {
  return size + count * (to.digestSize - from.digestSize);
}

/**
 * Verifies records, and rewrites them with another hash function; the stored octets stay the same.
 *
 * @param target - memory for the new records; without it only digests are made
 * @param digestMany - hashes ranges of the image, with the one function and the other
 * @throws {CorruptBlockError} for the first Block that does not match its digest, {ParseError} if the image is malformed
 */
export function rehashRecords(
  image: Buffer,
  hashes: { readonly from: HashFunction; readonly to: HashFunction },
  target: Buffer | undefined,
  where: string,
  digestMany: { readonly from?: ImageDigester; readonly to?: ImageDigester } = {},
): Rehashed {
  const { from, to } = hashes;
  const batch = readRecords(image, from, Number.POSITIVE_INFINITY);
  checkRecords(batch, from, where, { ...(digestMany.from === undefined ? {} : { digestMany: digestMany.from }), isRead: true });
  const { count, sizes, storedSizes, codecs } = batch;
  const digests = new Uint8Array(count * to.digestSize);
  const ranges = new Float64Array(count * 2);
  const headerSize = RECORD_FIXED_SIZE + from.digestSize;
  for (let i = 0, at = 0; i < count; i++) {
    const start = at + headerSize;
    at = start + (storedSizes[i] as number);
    ranges[2 * i] = start;
    ranges[2 * i + 1] = at;
  }
  (digestMany.to ?? ((given, found) => to.digestMany(image, given, found)))(ranges, digests);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const start = ranges[2 * i] as number;
    const stored = image.subarray(start, ranges[2 * i + 1]);
    const codec = codecByNumber(codecs[i] as number);
    const size = sizes[i] as number;
    // A compressed Block was hashed in its stored form: hash it again, decompressed.
    if (codec !== 'none') digests.set(to.digest(unpacked(stored, codec, size)), i * to.digestSize);
    if (target === undefined) continue;
    const digest = digests.subarray(i * to.digestSize, (i + 1) * to.digestSize);
    const crc = image.readUInt32LE(start - headerSize + PAYLOAD_CRC_OFFSET);
    const bytesAt = writeRecordHeader(target, end, codec, stored.length, size, crc, digest);
    copyOctets(target, bytesAt, stored);
    end = bytesAt + stored.length;
  }
  return {
    before: batch.digests,
    batch: { count, digests, sizes, storedSizes, codecs, image: target?.subarray(0, end) ?? new Uint8Array(0) },
  };
}

function unpacked(stored: Buffer, codec: ReturnType<typeof codecByNumber>, size: number): Uint8Array {
  const data = decodeStored(stored, codec, size);
  if (data === undefined) throw new TypeError('rehash records: a Block that was verified does not decode');
  return data;
}
