import type { BufferPool } from '../base/buffer-pool.ts';
import { CorruptBlockError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';
import type { BlockLocation } from '../store/block-location.ts';
import { codecNumber, decodeRecordHeader, RECORD_FIXED_SIZE, writeRecordHeader } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';

/** Maximum bytes of records in a batch. About as many fit in a processor's cache. */
export const BATCH_SIZE: number = 1024 * 1024;
/** Maximum Blocks in a batch. */
const MAX_BATCH_COUNT = 4096;
/** Blocks located at a time. */
const LOCATE_STEP = 8192;

/** The source of records. */
export interface RecordSource {
  readonly hash: HashFunction;
  /** The memory for the images of batches, in buffers of {@link BATCH_SIZE}. */
  readonly memory: BufferPool;
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[];
  /** Reads bytes of a file. @returns how many; fewer at the end of the file */
  read(file: string, offset: number, target: Uint8Array): number;
  /** The hash function of a file's records. A file from before a transition in place has another than the Store. */
  hashOf(file: string): HashFunction;
  /** Gets a Block that is not at its expected location. */
  get(digest: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Reads the records of Blocks from data files, adjacent ones with one call. @see Store.records */
export async function* readStoredRecords(
  source: RecordSource,
  digests: Uint8Array,
  spans: ArrayLike<number> | undefined,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { digestSize } = source.hash;
  const count = digests.length / digestSize;
  for (let from = 0; from < count; from += LOCATE_STEP) {
    const end = Math.min(from + LOCATE_STEP, count);
    const wanted: Uint8Array[] = [];
    const sizes: number[] = [];
    for (let i = from; i < end; i++) {
      wanted.push(digests.subarray(i * digestSize, (i + 1) * digestSize));
      if (spans !== undefined) sizes.push(spans[i] as number);
    }
    yield* readWanted(source, wanted, source.locate(wanted, spans === undefined ? undefined : sizes), spans !== undefined);
  }
}

/** @param isGuess - locations may be wrong, since not every Block was looked up */
async function* readWanted(
  source: RecordSource,
  wanted: readonly Uint8Array[],
  found: readonly (BlockLocation | undefined)[],
  isGuess: boolean,
): AsyncGenerator<RecordBatch, void, undefined> {
  const headerSize = RECORD_FIXED_SIZE + source.hash.digestSize;
  for (let first = 0; first < wanted.length; ) {
    let size = 0;
    let next = first;
    while (next < wanted.length && next - first < MAX_BATCH_COUNT) {
      const location = found[next];
      if (location === undefined || !isForOthers(location) || (size > 0 && size + headerSize + location.storedSize > BATCH_SIZE)) break;
      size += headerSize + location.storedSize;
      next++;
    }
    const some = wanted.slice(first, next);
    const batch = next === first ? undefined : readBatch(source, some, found.slice(first, next) as BlockLocation[], size, isGuess);
    if (batch !== undefined) {
      yield batch;
      first = next;
    } else if (next > first && isGuess) {
      yield* readWanted(source, some, source.locate(some), false);
      first = next;
    } else {
      // Not located, or no longer there. Get all Blocks up to the next located one from the Store.
      next = Math.max(next, first + 1);
      while (next < wanted.length && !isForOthers(found[next])) next++;
      yield* readEach(source, wanted.slice(first, next));
      first = next;
    }
  }
}

/** Whether a record can be sent unchanged. Those with Zstandard depend on other records of the file. */
function isForOthers(location: BlockLocation | undefined): boolean {
  return location?.codec === 'none' || location?.codec === 'zlib';
}

async function* readEach(source: RecordSource, wanted: readonly Uint8Array[]): AsyncGenerator<RecordBatch, void, undefined> {
  let blocks: DigestedBlock[] = [];
  let size = 0;
  for (const digest of wanted) {
    const data = await gotten(source, digest);
    if (data === undefined) continue;
    blocks.push({ digest, data });
    size += data.length;
    if (size < BATCH_SIZE / 2) continue;
    yield { ...packRecords(blocks, source.hash, 'none'), isOwned: true };
    blocks = [];
    size = 0;
  }
  if (blocks.length > 0) yield { ...packRecords(blocks, source.hash, 'none'), isOwned: true };
}

/** Gets a Block; undefined also if it is damaged. A separate `get` of it reports the damage. */
async function gotten(source: RecordSource, digest: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await source.get(digest);
  } catch (error) {
    if (error instanceof CorruptBlockError) return undefined;
    throw error;
  }
}

/** Converts a record of another hash function to one of the Store's. @returns false if there is no such record */
function readOther(source: RecordSource, { file, offset, storedSize }: BlockLocation, digest: Uint8Array, record: Buffer): boolean {
  const { digestSize } = source.hashOf(file);
  const header = Buffer.allocUnsafe(RECORD_FIXED_SIZE + digestSize);
  if (source.read(file, offset - header.length, header) !== header.length) return false;
  const found = decodeRecordHeader(header, 0, digestSize);
  if (found === undefined || found.isGap || found.storedSize !== storedSize) return false;
  const at = writeRecordHeader(record, 0, found.codec, storedSize, found.size, found.payloadCrc, digest);
  return source.read(file, offset, record.subarray(at)) === storedSize;
}

/** Reads located records; undefined if one of them is not there. */
function readBatch(
  source: RecordSource,
  wanted: readonly Uint8Array[],
  found: readonly BlockLocation[],
  size: number,
  isGuess: boolean,
): RecordBatch | undefined {
  const { digestSize } = source.hash;
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const count = wanted.length;
  const owned = source.memory.take(size);
  const image = owned.subarray(0, size);
  const digests = new Uint8Array(count * digestSize);
  const sizes = new Uint32Array(count);
  const storedSizes = new Uint32Array(count);
  const codecs = new Uint8Array(count);
  let start = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const location = found[i] as BlockLocation;
    const { file, offset, storedSize } = location;
    if (source.hashOf(file) !== source.hash) {
      // Its header has another digest and cannot be compared, so the location must not be a guess.
      const end = at + headerSize + storedSize;
      if (isGuess || !readOther(source, location, wanted[i] as Uint8Array, image.subarray(at, end))) return undefined;
      at = end;
      start = end;
      continue;
    }
    at += headerSize + storedSize;
    const next = found[i + 1];
    if (next !== undefined && next.file === file && next.offset === offset + storedSize + headerSize) continue;
    const run = image.subarray(start, at);
    if (source.read(file, offset + storedSize - run.length, run) !== run.length) return undefined;
    start = at;
  }
  at = 0;
  for (let i = 0; i < count; i++) {
    const { storedSize } = found[i] as BlockLocation;
    const digest = wanted[i] as Uint8Array;
    const header = decodeRecordHeader(image, at, digestSize);
    if (header === undefined || header.storedSize !== storedSize || header.digest.compare(digest) !== 0) return undefined;
    digests.set(digest, i * digestSize);
    sizes[i] = header.size;
    storedSizes[i] = storedSize;
    codecs[i] = codecNumber(header.codec);
    at += headerSize + storedSize;
  }
  return { count, digests, sizes, storedSizes, codecs, image, isOwned: true, release: () => source.memory.give(owned) };
}
