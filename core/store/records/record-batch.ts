import { crc32 } from '../../base/crc32.ts';
import { ParseError } from '../../base/errors.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { HashFunction } from '../../block/hash.ts';
import { type Codec, codecByNumber, codecNumber, RECORD_FIXED_SIZE, writeRecordHeader } from './datafile.ts';
import type { StoredCompression } from './stored-bytes.ts';
import { compressStored, decodeStored } from './stored-bytes.ts';

/**
 * Blocks as records of a data file, ready to be written. It has columns instead of an object per Block, since a gigabyte has
 * 130,000 Blocks. @see vt(5), "Data files"
 */
export interface RecordBatch {
  /** Number of Blocks. */
  readonly count: number;
  /** `digestSize` octets per Block. */
  readonly digests: Uint8Array;
  /** Octets of each Block. */
  readonly sizes: Uint32Array;
  /** Stored octets of each Block. */
  readonly storedSizes: Uint32Array;
  /** The number of each Block's codec. */
  readonly codecs: Uint8Array;
  /** The concatenated records: header, digest and stored octets of each. */
  readonly image: Uint8Array;
  /**
   * The names of the Blocks if the image contains them sealed. `digests` and `sizes` then refer to the unsealed Blocks. Only a Store
   * that supplied the keys accepts such batches.
   */
  readonly sealedAs?: Uint8Array | undefined;
  /** The Blocks are superblocks or Dirs: a Store may keep these apart from contents. */
  readonly isListing?: boolean | undefined;
  /** The image does not change, so a receiver that keeps it for a while need not copy it. */
  readonly isOwned?: true;
  /** Releases the image's memory for other batches. The receiver calls it once the batch is no longer read. */
  readonly release?: (() => void) | undefined;
}

/** Builds a RecordBatch in memory given to it. The image may be shared memory. */
export class RecordPacker {
  readonly #compression: StoredCompression;
  readonly #image: Buffer;
  readonly #copy: (data: Uint8Array, at: number) => void;
  readonly #sizes: Uint32Array;
  readonly #storedSizes: Uint32Array;
  readonly #codecs: Uint8Array;
  #count = 0;
  #end = 0;

  /**
   * @param image - memory for all records: for each the Block's octets, RECORD_FIXED_SIZE and the digest
   * @param most - maximum number of Blocks
   * @param copy - copies a Block's octets to an offset in the image
   */
  constructor(
    image: Uint8Array,
    most: number,
    compression: StoredCompression,
    copy = (data: Uint8Array, at: number): void => image.set(data, at),
  ) {
    this.#copy = copy;
    this.#image = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
    this.#compression = compression;
    this.#sizes = new Uint32Array(most);
    this.#storedSizes = new Uint32Array(most);
    this.#codecs = new Uint8Array(most);
  }

  /** Adds a Block. `data` and `digest` are copied. */
  add(data: Uint8Array, digest: Uint8Array): void {
    const packed = compressStored(data, this.#compression);
    const stored = packed?.data ?? data;
    const codec = packed?.codec ?? 'none';
    const image = this.#image;
    const start = writeRecordHeader(image, this.#end, codec, stored.length, data.length, crc32(stored), digest);
    if (packed === undefined) this.#copy(data, start);
    else image.set(packed.data, start);
    this.#sizes[this.#count] = data.length;
    this.#storedSizes[this.#count] = stored.length;
    this.#codecs[this.#count] = codecNumber(codec);
    this.#count++;
    this.#end = start + stored.length;
  }

  /** Returns the batch of all added Blocks. @param digests - the Blocks' digests, in order */
  batch(digests: Uint8Array): RecordBatch {
    const count = this.#count;
    return {
      count,
      digests,
      sizes: this.#sizes.subarray(0, count),
      storedSizes: this.#storedSizes.subarray(0, count),
      codecs: this.#codecs.subarray(0, count),
      image: this.#image.subarray(0, this.#end),
    };
  }
}

/** Copies Blocks into records. */
export function packRecords(blocks: readonly DigestedBlock[], hash: HashFunction, compression: StoredCompression): RecordBatch {
  const { digestSize } = hash;
  let room = 0;
  for (const { data } of blocks) room += RECORD_FIXED_SIZE + digestSize + data.length;
  const packer = new RecordPacker(Buffer.allocUnsafeSlow(room), blocks.length, compression);
  const digests = new Uint8Array(blocks.length * digestSize);
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined) break;
    packer.add(block.data, block.digest);
    digests.set(block.digest, i * digestSize);
  }
  return packer.batch(digests);
}

/** A Block in its stored encoding. */
export interface StoredRecord {
  readonly digest: Uint8Array;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: Codec;
  readonly stored: Uint8Array;
}

/** Copies Blocks in their stored encoding into records. */
export function packStored(records: readonly StoredRecord[], { digestSize }: HashFunction): RecordBatch {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const image = Buffer.allocUnsafeSlow(records.reduce((sum, { stored }) => sum + headerSize + stored.length, 0));
  let at = 0;
  for (const { digest, size, codec, stored } of records) {
    at = writeRecordHeader(image, at, codec, stored.length, size, crc32(stored), digest);
    image.set(stored, at);
    at += stored.length;
  }
  return {
    count: records.length,
    digests: Buffer.concat(records.map(({ digest }) => digest)),
    sizes: Uint32Array.from(records, ({ size }) => size),
    storedSizes: Uint32Array.from(records, ({ stored }) => stored.length),
    codecs: Uint8Array.from(records, ({ codec }) => codecNumber(codec)),
    image,
  };
}

/** Decodes the Blocks of verified records; uncompressed ones are views of the image. @throws {ParseError} if one cannot be decoded */
export function unpackRecords(batch: RecordBatch, digestSize: number): DigestedBlock[] {
  const { count, digests, sizes, storedSizes, codecs, image } = batch;
  const blocks: DigestedBlock[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + RECORD_FIXED_SIZE + digestSize;
    at = start + (storedSizes[i] as number);
    const stored = Buffer.from(image.buffer, image.byteOffset + start, at - start);
    const data = codecs[i] === 0 ? stored : decodeStored(stored, codecByNumber(codecs[i] as number), sizes[i] as number);
    if (data === undefined) throw new ParseError('decode record', start);
    blocks.push({ digest: digests.subarray(i * digestSize, (i + 1) * digestSize), data });
  }
  return blocks;
}

/**
 * How many of the requested digests are answered after a batch: those that it leaves out are unavailable.
 *
 * @param from - how many were answered before it
 * @throws {ParseError} if a record was not requested, or is out of order
 */
export function answeredBy(batch: RecordBatch, asked: Uint8Array, from: number, digestSize: number): number {
  const wanted = Buffer.from(asked.buffer, asked.byteOffset, asked.byteLength);
  const count = wanted.length / digestSize;
  let next = from;
  for (let i = 0; i < batch.count; i++) {
    while (
      next < count &&
      wanted.compare(batch.digests, i * digestSize, (i + 1) * digestSize, next * digestSize, (next + 1) * digestSize) !== 0
    )
      next++;
    if (next === count) throw new ParseError(`read records: record ${i} is none that was asked for`, 0);
    next++;
  }
  return next;
}
