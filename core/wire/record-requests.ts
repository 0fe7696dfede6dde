import { decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { CorruptBlockError, ParseError, ReadOnlyError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { hashByName } from '../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../store/datafile.ts';
import { digestKey } from '../store/digest-key.ts';
import type { RecordBatch } from '../store/record-batch.ts';
import { packRecords, unpackRecords } from '../store/record-batch.ts';
import type { RecordChecker } from '../store/record-checker.ts';
import type { DigestedBlock, Store } from '../store/store.ts';
import { decodeStored } from '../store/stored-bytes.ts';
import type { Reply } from './connection.ts';
import { MAX_BATCH_COUNT, RESPONSE_SIZE } from './limits.ts';
import type { Packet } from './packet.ts';
import { countDigests, encodeBits } from './payload.ts';

/** Flags of `records`. */
export const RECORDS_FLAG = {
  /** Each Block is verified where it is read, and damage told. */
  verified: 0x01,
  /** The Blocks' sizes follow their digests. */
  spans: 0x02,
} as const;

/** The payload of `records`: `bsuint` of their number, their digests, their sizes. */
export function encodeWanted(digests: Uint8Array, count: number, spans?: ArrayLike<number>): Uint8Array[] {
  const head = new ByteWriter(8);
  head.bsuint(count);
  if (spans === undefined) return [head.take(), digests];
  const tail = new ByteWriter(3 * count);
  for (let i = 0; i < count; i++) tail.bsuint(spans[i] as number);
  return [head.take(), digests, tail.take()];
}

function decodeWanted(
  payload: Uint8Array,
  hasSpans: boolean,
  digestSize: number,
): { readonly digests: Uint8Array; readonly spans: number[] | undefined } {
  const { value: count, next } = decodeBsuint(payload, 0);
  let at = next + count * digestSize;
  if (count > MAX_BATCH_COUNT || at > payload.length) throw new ParseError(`read digests: ${count} of them`, 0);
  const digests = payload.subarray(next, at);
  const spans: number[] | undefined = hasSpans ? [] : undefined;
  for (let i = 0; spans !== undefined && i < count; i++) {
    const span = decodeBsuint(payload, at);
    spans.push(span.value);
    at = span.next;
  }
  if (at !== payload.length) throw new ParseError(`read digests: ${payload.length - at} octets too many`, at);
  return { digests, spans };
}

/** Which of some Blocks a Store has: one bit each. */
export async function answerHas(store: Store, payload: Uint8Array, options: OpOptions): Promise<Reply> {
  const digests = digestsOf(store, payload);
  return {
    isDone: true,
    payload: [
      encodeBits(
        await store.has(
          digests.map((digest) => ({ hashName: store.hashName, digest })),
          options,
        ),
      ),
    ],
  };
}

function digestsOf(store: Store, payload: Uint8Array): Uint8Array[] {
  const { digestSize } = hashByName(store.hashName);
  const count = countDigests(payload, digestSize, MAX_BATCH_COUNT);
  return Array.from({ length: count }, (_, i) => payload.subarray(i * digestSize, (i + 1) * digestSize));
}

/** Records of the Blocks asked for, as many as fit in a response, and how many digests that answers. */
export async function answerRecords(store: Store, flags: number, payload: Uint8Array, options: OpOptions): Promise<Reply> {
  const { digestSize } = hashByName(store.hashName);
  const { digests, spans } = decodeWanted(payload, (flags & RECORDS_FLAG.spans) !== 0, digestSize);
  const isVerified = (flags & RECORDS_FLAG.verified) !== 0;
  const { answered, images, release } =
    store.records === undefined || isVerified
      ? await gotten(store, digestsOf(store, digests), options)
      : await recorded(store, digests, spans, options);
  const head = new ByteWriter(8);
  head.bsuint(answered);
  return { isDone: true, payload: [head.take(), ...images], release };
}

interface Found {
  readonly answered: number;
  readonly images: readonly Uint8Array[];
  readonly release?: () => void;
}

async function recorded(store: Store, digests: Uint8Array, spans: ArrayLike<number> | undefined, options: OpOptions): Promise<Found> {
  const { digestSize } = hashByName(store.hashName);
  const count = digests.length / digestSize;
  const images: Uint8Array[] = [];
  const releases: (() => void)[] = [];
  let size = 0;
  let answered = 0;
  let got = 0;
  const given: Uint8Array[] = [];
  let isAll = true;
  for await (const batch of store.records?.(digests, spans, options) ?? []) {
    images.push(batch.image);
    if (batch.release !== undefined) releases.push(batch.release);
    size += batch.image.length;
    answered = answeredBy(batch, digests, answered, digestSize);
    given.push(batch.digests);
    got += batch.count;
    isAll = size < RESPONSE_SIZE;
    if (!isAll) break;
  }
  if (isAll && got < count && (await isAnyDamaged(store, digests, given, options))) {
    releaseAll(releases);
    return await gotten(store, digestsOf(store, digests), options);
  }
  return { answered: isAll ? count : answered, images, release: () => releaseAll(releases) };
}

/** Whether one of the Blocks asked for is left out because it is damaged, and not because it is absent. */
async function isAnyDamaged(store: Store, asked: Uint8Array, given: readonly Uint8Array[], options: OpOptions): Promise<boolean> {
  const { digestSize } = hashByName(store.hashName);
  const there = new Set<string>();
  for (const digests of given)
    for (let at = 0; at < digests.length; at += digestSize) there.add(digestKey(digests.subarray(at, at + digestSize)));
  for (const digest of digestsOf(store, asked)) {
    if (there.has(digestKey(digest))) continue;
    try {
      await store.get({ hashName: store.hashName, digest }, options);
    } catch (error) {
      if (error instanceof CorruptBlockError) return true;
      throw error;
    }
  }
  return false;
}

function releaseAll(releases: readonly (() => void)[]): void {
  for (const release of releases) release();
}

/**
 * How many of the digests asked for are dealt with once a batch has come: those that it leaves out are not there.
 *
 * @param from - how many were so before it
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

async function gotten(store: Store, digests: readonly Uint8Array[], options: OpOptions): Promise<Found> {
  const hash = hashByName(store.hashName);
  const blocks: DigestedBlock[] = [];
  let answered = 0;
  let size = 0;
  for (const digest of digests) {
    if (size >= RESPONSE_SIZE) break;
    try {
      const data = await store.get({ hashName: store.hashName, digest }, options);
      if (data !== undefined) {
        blocks.push({ digest, data });
        size += data.length;
      }
    } catch (error) {
      // What was asked for before it is given; when it comes first it is told.
      if (answered === 0) throw error;
      break;
    }
    answered++;
  }
  return { answered, images: blocks.length === 0 ? [] : [packRecords(blocks, hash, 'none').image] };
}

/** Adds the Blocks of records, having verified them. */
export async function answerAddRecords(
  store: Store,
  checker: RecordChecker,
  isReadOnly: boolean,
  { payload, release }: Pick<Packet, 'payload' | 'release'>,
  options: OpOptions,
): Promise<Reply> {
  if (isReadOnly) throw new ReadOnlyError('add to', store.name);
  const hash = hashByName(store.hashName);
  const image = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const batch = await checker.check(image, MAX_BATCH_COUNT, 'the connection');
  const isNew =
    store.addRecords === undefined
      ? await store.addBatch(blocksOf(batch, hash.digestSize), options)
      : await store.addRecords(batch, options);
  release?.();
  return { isDone: true, payload: [encodeBits(isNew)] };
}

/** Blocks out of records that have been verified. */
export function blocksOf(batch: RecordBatch, digestSize: number): DigestedBlock[] {
  if (batch.codecs.every((codec) => codec === 0)) return unpackRecords(batch, digestSize);
  const { count, digests, sizes, storedSizes, codecs, image } = batch;
  const blocks: DigestedBlock[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + RECORD_FIXED_SIZE + digestSize;
    at = start + (storedSizes[i] as number);
    const stored = Buffer.from(image.buffer, image.byteOffset + start, at - start);
    const data = codecs[i] === 0 ? stored : decodeStored(stored, 'zlib', sizes[i] as number);
    if (data === undefined) throw new ParseError('decode record', start);
    blocks.push({ digest: digests.subarray(i * digestSize, (i + 1) * digestSize), data });
  }
  return blocks;
}
