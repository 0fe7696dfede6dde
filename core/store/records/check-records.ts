import { crc32 } from '../../base/crc32.ts';
import { CorruptBlockError, ParseError } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import { hashcodeLabel } from '../../block/hashcode.ts';
import type { MemoryDigester } from '../../block/memory-digester.ts';
import { codecByNumber, codecNumber, decodeRecordHeader, PAYLOAD_CRC_OFFSET, RECORD_FIXED_SIZE } from './datafile.ts';
import type { RecordBatch } from './record-batch.ts';
import { decodeStored } from './stored-bytes.ts';

/**
 * Reads the columns of a batch from its image. Reads only the headers.
 *
 * @param most - maximum number of Blocks
 * @throws {ParseError} if the image is not made of whole records
 */
export function readRecords(image: Buffer, hash: HashFunction, most: number): RecordBatch {
  const { digestSize } = hash;
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const sizes: number[] = [];
  const storedSizes: number[] = [];
  const codecs: number[] = [];
  let at = 0;
  for (; at < image.length; ) {
    const header = decodeRecordHeader(image, at, digestSize);
    if (header === undefined) throw new ParseError('read records: no record', at);
    if (header.storedSize > image.length - at - headerSize) throw new ParseError('read records: the last one is cut short', at);
    if (sizes.length === most) throw new ParseError(`read records: more than ${most}`, at);
    sizes.push(header.size);
    storedSizes.push(header.storedSize);
    codecs.push(codecNumber(header.codec));
    at += headerSize + header.storedSize;
  }
  const digests = new Uint8Array(sizes.length * digestSize);
  at = 0;
  for (let i = 0; i < sizes.length; i++) {
    digests.set(image.subarray(at + RECORD_FIXED_SIZE, at + headerSize), i * digestSize);
    at += headerSize + (storedSizes[i] as number);
  }
  return {
    count: sizes.length,
    digests,
    sizes: Uint32Array.from(sizes),
    storedSizes: Uint32Array.from(storedSizes),
    codecs: Uint8Array.from(codecs),
    image,
  };
}

/** A sequence of records of an image. */
export interface RecordSlice {
  readonly image: Buffer;
  /** Octets of their decompressed Blocks. */
  readonly unpackedSize: number;
}

/**
 * Cuts an image into slices between records. Reads only the headers.
 *
 * @param maxSize - maximum octets of a slice's decompressed Blocks; a single Block may exceed it
 * @throws {ParseError} if the image is not made of whole records
 */
export function* recordSlices(image: Buffer, hash: HashFunction, maxSize: number): Generator<RecordSlice, void, undefined> {
  const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  let start = 0;
  let unpackedSize = 0;
  for (let at = 0; at < image.length; ) {
    const header = decodeRecordHeader(image, at, hash.digestSize);
    if (header === undefined) throw new ParseError('read records: no record', at);
    const end = at + headerSize + header.storedSize;
    if (end > image.length) throw new ParseError('read records: the last one is cut short', at);
    const size = Math.max(header.size, header.storedSize);
    if (at > start && unpackedSize + size > maxSize) {
      yield { image: image.subarray(start, at), unpackedSize };
      start = at;
      unpackedSize = 0;
    }
    unpackedSize += size;
    at = end;
  }
  if (start < image.length) yield { image: image.subarray(start), unpackedSize };
}

/** Counts the records of an image. @throws {ParseError} if it is not made of whole records */
export function countRecords(image: Buffer, hash: HashFunction): number {
  let count = 0;
  for (const _ of recordSlices(image, hash, 0)) count++;
  return count;
}

/**
 * Verifies records from an untrusted source. Their Blocks must match their digests, and their headers must be correct, since
 * later checks of the data file rely on them.
 *
 * @param options.digestMany - hashes ranges of the image; default: the hash function's own
 * @param options.isRead - the columns were read by {@link readRecords} from this image
 * @throws {CorruptBlockError} for the first Block that does not match its digest
 * @throws {ParseError} if the image and its columns do not agree
 */
export function checkRecords(
  batch: RecordBatch,
  hash: HashFunction,
  where: string,
  {
    digestMany = (ranges, found) => hash.digestMany(batch.image, ranges, found),
    isRead = false,
  }: { readonly digestMany?: MemoryDigester; readonly isRead?: boolean } = {},
): void {
  const { count, digests, sizes, storedSizes, codecs } = batch;
  const { digestSize } = hash;
  const image = Buffer.from(batch.image.buffer, batch.image.byteOffset, batch.image.byteLength);
  const ranges: number[] = [];
  const plain: number[] = [];
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const damaged = (index: number, found: string): CorruptBlockError => {
    const digest = digests.slice(index * digestSize, (index + 1) * digestSize);
    return new CorruptBlockError(hashcodeLabel({ hashName: hash.name, digest }), where, found);
  };
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + headerSize;
    const end = start + (storedSizes[i] as number);
    if (!isRead && !isAnnounced(batch, i, image, at, digestSize))
      throw new ParseError(`check records: record ${i} is not the one announced`, at);
    const stored = image.subarray(start, end);
    if (crc32(stored) !== image.readUInt32LE(at + PAYLOAD_CRC_OFFSET)) throw damaged(i, 'the check of its stored bytes does not hold');
    if (codecs[i] === 0) {
      ranges.push(start, end);
      plain.push(i);
    } else if (!isDecoded(stored, sizes[i] as number, codecByNumber(codecs[i] as number), image.subarray(start - digestSize, start), hash))
      throw damaged(i, 'what is stored does not decode to it');
    at = end;
  }
  if (at !== image.length) throw new ParseError('check records: bytes after the last record', at);
  const found = new Uint8Array(plain.length * digestSize);
  digestMany(ranges, found);
  for (let i = 0; i < plain.length; i++) {
    const index = plain[i] as number;
    if (
      Buffer.compare(found.subarray(i * digestSize, (i + 1) * digestSize), digests.subarray(index * digestSize, (index + 1) * digestSize))
    )
      throw damaged(index, 'its bytes have another hash');
  }
}

function isAnnounced(
  { digests, sizes, storedSizes, codecs }: RecordBatch,
  i: number,
  image: Buffer,
  at: number,
  digestSize: number,
): boolean {
  const header = decodeRecordHeader(image, at, digestSize);
  return (
    header !== undefined &&
    header.storedSize <= image.length - at - RECORD_FIXED_SIZE - digestSize &&
    header.size === sizes[i] &&
    header.storedSize === storedSizes[i] &&
    codecNumber(header.codec) === codecs[i] &&
    header.digest.compare(digests, i * digestSize, (i + 1) * digestSize) === 0
  );
}

function isDecoded(stored: Buffer, size: number, codec: ReturnType<typeof codecByNumber>, digest: Uint8Array, hash: HashFunction): boolean {
  if (codec !== 'zlib' || size > hash.maxSize) return false;
  const data = decodeStored(stored, codec, size);
  return data !== undefined && Buffer.compare(hash.digest(data), digest) === 0;
}
