import { crc32 } from '../../base/crc32.ts';
import { ParseError } from '../../base/errors.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { HashFunction } from '../../block/hash.ts';
import { type Codec, codecByNumber, codecNumber, RECORD_FIXED_SIZE, writeRecordHeader } from './datafile.ts';
import type { StoredCompression } from './stored-bytes.ts';
import { compressStored, decodeStored } from './stored-bytes.ts';

/**
 * Blocks as the records of a data file, ready to be written. They are columns, not an object a Block, since a gigabyte has
 * 130,000 of them. @see vt(5), "Data files"
 */
export interface RecordBatch {
  /** Blocks. */
  readonly count: number;
  /** `digestSize` octets a Block. */
  readonly digests: Uint8Array;
  /** Octets of each Block. */
  readonly sizes: Uint32Array;
  /** Octets of each as it is stored. */
  readonly storedSizes: Uint32Array;
  /** How each is stored: the number of its codec. */
  readonly codecs: Uint8Array;
  /** The records one after the other: header, digest, stored octets of each. */
  readonly image: Uint8Array;
  /**
   * The names of the Blocks, where the records hold them sealed: all else but `storedSizes` is of what was sealed. Only a Store
   * that gave the keys takes such.
   */
  readonly sealedAs?: Uint8Array | undefined;
  /** The Blocks list others, or entries: a Store may keep such apart from contents. */
  readonly isListing?: boolean | undefined;
  /** The image does not change: code that keeps it for a while need not copy it. */
  readonly isOwned?: true;
  /** Releases the image's memory for other batches. The receiver of the batch calls it, once nobody reads the batch any more. */
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
   * @param image - room for every record: its Block's octets, RECORD_FIXED_SIZE and the digest
   * @param most - Blocks, at most
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

  /** What was added. @param digests - the Blocks' digests, in order */
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

/** Blocks as records, copied. */
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

/** A Block as it is stored. */
export interface StoredRecord {
  readonly digest: Uint8Array;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: Codec;
  readonly stored: Uint8Array;
}

/** Records of what is stored already, copied. */
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

/** Blocks out of records that have been verified; views of them, where they are not compressed. */
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
 * How many of the digests asked for are dealt with once a batch has come: those that it leaves out are not there.
 *
 * @param from - how many were so before it
 * @throws {ParseError} for a record that was not asked for, or not in that order
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
