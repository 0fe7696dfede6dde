import { decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { CorruptBlockError, ParseError, ReadOnlyError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { digestKey } from '../block/digest-key.ts';
import { hashByName } from '../block/hash.ts';
import type { RecordSource } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import { recordSlices } from '../store/records/check-records.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { answeredBy, packRecords, unpackRecords } from '../store/records/record-batch.ts';
import type { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import type { TurnOptions } from './fair-turns.ts';
import { MAX_BATCH_COUNT, MAX_UNPACKED_SIZE, RESPONSE_SIZE } from './limits.ts';
import type { Packet } from './packet.ts';
import { countDigests, encodeBits } from './payload.ts';
import type { Reply } from './reply.ts';

/** Flags of `records`. */
export const RECORDS_FLAG = {
  /** The server verifies each Block that it reads, and reports damage. */
  verified: 0x01,
  /** The Blocks' sizes follow their digests. */
  spans: 0x02,
} as const;

/** The payload of `records`: `bsuint` of the number of Blocks, their digests, their sizes in octets. */
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
  if (at !== payload.length) throw new ParseError(`read digests: ${payload.length - at} bytes too many`, at);
  return { digests, spans };
}

/** Answers `has`: one bit per digest. */
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

/** Answers `records`: the records that fit in a response, and how many digests they answer. */
export async function answerRecords(store: Store, flags: number, payload: Uint8Array, options: TurnOptions): Promise<Reply> {
  const { digestSize } = hashByName(store.hashName);
  const { digests, spans } = decodeWanted(payload, (flags & RECORDS_FLAG.spans) !== 0, digestSize);
  const source = capability(store, 'recordSource');
  const isVerified = (flags & RECORDS_FLAG.verified) !== 0;
  const { answered, images, release } =
    source === undefined || isVerified
      ? await gotten(store, digestsOf(store, digests), options)
      : await recorded(store, source, digests, spans, options);
  const head = new ByteWriter(8);
  head.bsuint(answered);
  return { isDone: true, payload: [head.take(), ...images], release };
}

interface Found {
  readonly answered: number;
  readonly images: readonly Uint8Array[];
  readonly release?: () => void;
}

async function recorded(
  store: Store,
  source: RecordSource,
  digests: Uint8Array,
  spans: ArrayLike<number> | undefined,
  options: TurnOptions,
): Promise<Found> {
  const { digestSize } = hashByName(store.hashName);
  const count = digests.length / digestSize;
  const images: Uint8Array[] = [];
  const releases: (() => void)[] = [];
  let size = 0;
  let answered = 0;
  let got = 0;
  const given: Uint8Array[] = [];
  let isAll = true;
  for await (const batch of source.records(digests, spans, options)) {
    images.push(batch.image);
    if (batch.release !== undefined) releases.push(batch.release);
    size += batch.image.length;
    answered = answeredBy(batch, digests, answered, digestSize);
    given.push(batch.digests);
    got += batch.count;
    isAll = size < RESPONSE_SIZE;
    if (!isAll) break;
  }
  if (isAll && got < count && (await isAnyThere(store, digests, given, options))) {
    releaseAll(releases);
    return await gotten(store, digestsOf(store, digests), options);
  }
  return { answered: isAll ? count : answered, images, release: () => releaseAll(releases) };
}

/** Whether the Store has a Block that got no record: it is damaged, or was found elsewhere. */
async function isAnyThere(store: Store, asked: Uint8Array, given: readonly Uint8Array[], options: TurnOptions): Promise<boolean> {
  const { digestSize } = hashByName(store.hashName);
  const there = new Set<string>();
  for (const digests of given)
    for (let at = 0; at < digests.length; at += digestSize) there.add(digestKey(digests.subarray(at, at + digestSize)));
  for (const digest of digestsOf(store, asked)) {
    if (there.has(digestKey(digest))) continue;
    await options.turn?.next();
    try {
      if ((await store.get({ hashName: store.hashName, digest }, options)) !== undefined) return true;
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

async function gotten(store: Store, digests: readonly Uint8Array[], options: TurnOptions): Promise<Found> {
  const hash = hashByName(store.hashName);
  const blocks: DigestedBlock[] = [];
  let answered = 0;
  let size = 0;
  for (const digest of digests) {
    if (size >= RESPONSE_SIZE) break;
    await options.turn?.next();
    try {
      const data = await store.get({ hashName: store.hashName, digest }, options);
      if (data !== undefined) {
        blocks.push({ digest, data });
        size += data.length;
      }
    } catch (error) {
      // Records before the failing one are sent first; the error is reported when the failing one comes first.
      if (answered === 0) throw error;
      break;
    }
    answered++;
  }
  return { answered, images: blocks.length === 0 ? [] : [packRecords(blocks, hash, 'none').image] };
}

/**
 * Answers `addRecords`: verifies the Blocks, then adds them. Works in slices of {@link MAX_UNPACKED_SIZE} decompressed octets, and lets
 * other clients have turns in between.
 *
 * @throws {ReadOnlyError} if clients may not write, {CorruptBlockError} or {ParseError} for a damaged record
 */
export async function answerAddRecords(
  store: Store,
  checker: RecordChecker,
  isReadOnly: boolean,
  { payload, release }: Pick<Packet, 'payload' | 'release'>,
  options: TurnOptions,
): Promise<Reply> {
  if (isReadOnly) throw new ReadOnlyError('add to', store.name);
  const hash = hashByName(store.hashName);
  const image = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const isNew: Uint8Array[] = [];
  let left = MAX_BATCH_COUNT;
  for (const slice of recordSlices(image, hash, MAX_UNPACKED_SIZE)) {
    const turn = options.turn?.next();
    if (turn !== undefined) await turn;
    throwIfCancelled(options.signal);
    const batch = await checker.check(slice.image, left, 'the connection', slice.unpackedSize);
    left -= batch.count;
    isNew.push(await addChecked(store, batch, hash.digestSize, options));
  }
  release?.();
  const [only] = isNew;
  return { isDone: true, payload: [encodeBits(only !== undefined && isNew.length === 1 ? only : Buffer.concat(isNew))] };
}

async function addChecked(store: Store, batch: RecordBatch, digestSize: number, options: OpOptions): Promise<Uint8Array> {
  const sink = capability(store, 'recordSink');
  if (sink !== undefined) return await sink.addRecords(batch, options);
  return Uint8Array.from(await store.addBatch(unpackRecords(batch, digestSize), options), Number);
}
