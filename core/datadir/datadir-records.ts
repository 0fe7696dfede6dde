import type { BufferPool } from '../base/buffer-pool.ts';
import { CorruptBlockError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';
import type { BlockLocation } from '../store/block-location.ts';
import { codecNumber, decodeRecordHeader, RECORD_FIXED_SIZE, writeRecordHeader } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';

/** Bytes of records in a batch: about as many as fit in a processor's cache. */
export const BATCH_SIZE: number = 1024 * 1024;
/** Blocks in a batch, at most. */
const MAX_BATCH_COUNT = 4096;
/** Blocks located at a time. */
const LOCATE_STEP = 8192;

/** What records are read from. */
export interface RecordSource {
  readonly hash: HashFunction;
  /** For the images of batches, of {@link BATCH_SIZE}. */
  readonly memory: BufferPool;
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[];
  /** Reads bytes of a located file; fewer where it ends. */
  read(file: string, offset: number, target: Uint8Array): number;
  /** The hash function of a located file's records: one from before a transition in place has another. */
  hashOf(file: string): HashFunction;
  /** A Block that is not where it seemed to be. */
  get(digest: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Reads the records of Blocks as they are in data files, neighbours with one call. @see Store.records */
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

/** @param isGuess - Blocks may be elsewhere, since not every one was looked up */
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
      // Not located, or no longer there: the Store itself is asked, for all up to the next that is.
      next = Math.max(next, first + 1);
      while (next < wanted.length && !isForOthers(found[next])) next++;
      yield* readEach(source, wanted.slice(first, next));
      first = next;
    }
  }
}

/** Whether a record can be handed on as it is: those of Zstandard are a matter of this Store's files. */
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

/** A Block; undefined also if it is damaged: a get of that Block alone throws. */
async function gotten(source: RecordSource, digest: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await source.get(digest);
  } catch (error) {
    if (error instanceof CorruptBlockError) return undefined;
    throw error;
  }
}

/** Makes a record of the Store's hash function of one of another. @returns false where none is there */
function readOther(source: RecordSource, { file, offset, storedSize }: BlockLocation, digest: Uint8Array, record: Buffer): boolean {
  const { digestSize } = source.hashOf(file);
  const header = Buffer.allocUnsafe(RECORD_FIXED_SIZE + digestSize);
  if (source.read(file, offset - header.length, header) !== header.length) return false;
  const found = decodeRecordHeader(header, 0, digestSize);
  if (found === undefined || found.isGap || found.storedSize !== storedSize) return false;
  const at = writeRecordHeader(record, 0, found.codec, storedSize, found.size, found.payloadCrc, digest);
  return source.read(file, offset, record.subarray(at)) === storedSize;
}

/** Records whose Blocks have been located; undefined where one of them is not there. */
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
      // Its header says nothing of the digest that is wanted: so the place has to be one that was looked up.
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
