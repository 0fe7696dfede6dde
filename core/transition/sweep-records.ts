import type { HashFunction } from '../block/hash.ts';
import type { MemoryDigester } from '../block/memory-digester.ts';
import { codecByNumber, codecNumber, decodeRecordHeader, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { RenamedLeaves } from './leaf-table.ts';

/** The hash functions of a sweep: of the data file, of the Store, and of the future Store. Two of them may be equal. */
export interface SweepHashes {
  readonly file: HashFunction;
  readonly from: HashFunction;
  readonly to: HashFunction;
}

/** The places of records in an image, in columns. */
export interface FoundRecords {
  readonly count: number;
  /** Pairs of offsets: the start of a Block's stored octets, and the octet after their end. */
  readonly ranges: Float64Array;
  readonly sizes: Uint32Array;
  readonly codecs: Uint8Array;
  /** Offset after the last whole record. */
  readonly end: number;
  /** Octets of the incomplete record at `end`; undefined if there is none. */
  readonly nextSize: number | undefined;
}

/** Finds the whole records at the start of an image; checks their headers and skips gaps. */
export function findRecords(image: Buffer, { digestSize }: HashFunction): FoundRecords {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const ranges: number[] = [];
  const sizes: number[] = [];
  const codecs: number[] = [];
  let at = 0;
  let nextSize: number | undefined;
  for (;;) {
    const header = decodeRecordHeader(image, at, digestSize);
    if (header === undefined) break;
    const start = at + headerSize;
    const end = start + header.storedSize;
    if (end > image.length) {
      nextSize = end - at;
      break;
    }
    if (!header.isGap) {
      ranges.push(start, end);
      sizes.push(header.size);
      codecs.push(codecNumber(header.codec));
    }
    at = end;
  }
  // The header is cut off: at least the rest of it follows.
  if (nextSize === undefined && image.length - at < headerSize && at > 0) nextSize = headerSize;
  const columns = { ranges: Float64Array.from(ranges), sizes: Uint32Array.from(sizes), codecs: Uint8Array.from(codecs) };
  return { count: sizes.length, ...columns, end: at, nextSize };
}

/**
 * Hashes the Blocks of records. A Block that does not match its record is left out: reading it alone gives the error.
 *
 * @param offset - offset of the image in its file
 * @param digesterOf - returns a digester for ranges of the image
 */
export function sweepRecords(
  image: Buffer,
  found: FoundRecords,
  hashes: SweepHashes,
  offset: number,
  digesterOf: (hash: HashFunction) => MemoryDigester,
): RenamedLeaves {
  const made = new Map<HashFunction, Uint8Array>();
  for (const hash of new Set([hashes.file, hashes.from, hashes.to])) {
    const digests = new Uint8Array(found.count * hash.digestSize);
    digesterOf(hash)(found.ranges, digests);
    made.set(hash, digests);
  }
  const of = (hash: HashFunction): Uint8Array => made.get(hash) ?? new Uint8Array(0);
  const isUnpacked = unpackInto(image, found, made);
  const good = goodRecords(image, found, hashes.file, of(hashes.file)).filter((i) => isUnpacked[i] === 1);
  return {
    count: good.length,
    before: picked(of(hashes.from), good, hashes.from.digestSize),
    after: picked(of(hashes.to), good, hashes.to.digestSize),
    sizes: good.map((i) => found.sizes[i] as number),
    places: {
      offsets: Float64Array.from(good, (i) => offset + (found.ranges[2 * i] as number)),
      storedSizes: good.map((i) => (found.ranges[2 * i + 1] as number) - (found.ranges[2 * i] as number)),
      codecs: Uint8Array.from(good, (i) => found.codecs[i] as number),
    },
  };
}

/** Hashes compressed Blocks, which were only hashed in stored form. @returns 1 for each that could be decompressed */
function unpackInto(
  image: Buffer,
  { count, ranges, sizes, codecs }: FoundRecords,
  made: ReadonlyMap<HashFunction, Uint8Array>,
): Uint8Array {
  const isUnpacked = new Uint8Array(count).fill(1);
  for (let i = 0; i < count; i++) {
    const codec = codecByNumber(codecs[i] as number);
    if (codec === 'none') continue;
    const stored = image.subarray(ranges[2 * i], ranges[2 * i + 1]);
    const data = codec === 'zlib' ? decodeStored(stored, codec, sizes[i] as number) : undefined;
    if (data === undefined) isUnpacked[i] = 0;
    else for (const [hash, digests] of made) digests.set(hash.digest(data), i * hash.digestSize);
  }
  return isUnpacked;
}

function goodRecords(image: Buffer, { count, ranges }: FoundRecords, { digestSize }: HashFunction, digests: Uint8Array): Uint32Array {
  const good = new Uint32Array(count);
  let goods = 0;
  for (let i = 0; i < count; i++) {
    const at = (ranges[2 * i] as number) - digestSize;
    let isGood = true;
    for (let j = 0; j < digestSize && isGood; j++) isGood = image[at + j] === digests[i * digestSize + j];
    if (isGood) good[goods++] = i;
  }
  return good.subarray(0, goods);
}

function picked(digests: Uint8Array, good: Uint32Array, size: number): Uint8Array {
  if (good.length * size === digests.length) return digests;
  const out = new Uint8Array(good.length * size);
  for (const [i, from] of good.entries()) out.set(digests.subarray(from * size, (from + 1) * size), i * size);
  return out;
}
