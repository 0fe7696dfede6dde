import { decodeBsuint } from '../base/bsuint.ts';
import { ParseError } from '../base/errors.ts';
import type { HashFunction } from '../block/hash.ts';
import { readRecords } from '../store/records/check-records.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { answeredBy } from '../store/records/record-batch.ts';
import { MAX_BATCH_COUNT } from './limits.ts';
import type { Response } from './read-response.ts';

/** Octets requested at a time when sizes are known. */
const ASKED_SIZE = 1024 * 1024;
/** Blocks requested at a time when sizes are not known. */
const ASKED_COUNT = 128;

/** Sends a `records` request: digests, their number, the Blocks' sizes in octets. */
export type AskRecords = (digests: Uint8Array, count: number, spans: ArrayLike<number> | undefined) => Promise<Response>;

/** A decoded response to `records`. */
export interface AnsweredRecords {
  readonly batch: RecordBatch;
  /** How many of the requested digests are answered; the others have to be requested again. */
  readonly answered: number;
}

/** Decodes a response to `records`. @throws {ParseError} if it is malformed, or answers no digest */
export function readAnswer(
  { payload, release }: Pick<Response, 'payload' | 'release'>,
  asked: Uint8Array,
  count: number,
  hash: HashFunction,
): AnsweredRecords {
  const { value: answered, next } = decodeBsuint(payload, 0);
  const image = Buffer.from(payload.buffer, payload.byteOffset + next, payload.byteLength - next);
  const batch: RecordBatch = { ...readRecords(image, hash, count), isOwned: true, release };
  const reached = answeredBy(batch, asked, 0, hash.digestSize);
  if (answered === 0 || answered > count || reached > answered) throw new ParseError(`read records: ${answered} of ${count} answered`, 0);
  return { batch, answered };
}

interface Asked {
  /** Indexes of the first digest, and of the one past the last. */
  readonly from: number;
  readonly end: number;
  readonly response: Promise<Response>;
}

/**
 * Yields the records of Blocks in the order of `digests`, with several requests sent ahead.
 *
 * @param ahead - maximum number of outstanding requests
 */
export async function* streamRecords(
  ask: AskRecords,
  hash: HashFunction,
  digests: Uint8Array,
  spans: ArrayLike<number> | undefined,
  ahead: number,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { digestSize } = hash;
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const count = digests.length / digestSize;
  const part = (from: number, end: number): Uint8Array => digests.subarray(from * digestSize, end * digestSize);
  const start = (from: number, end: number): Asked => {
    const sizes = spans === undefined ? undefined : Array.from({ length: end - from }, (_, i) => spans[from + i] as number);
    const response = ask(part(from, end), end - from, sizes);
    // Awaited later: it may fail before.
    response.catch(() => undefined);
    return { from, end, response };
  };
  const waiting: Asked[] = [];
  for (let next = 0; next < count || waiting.length > 0; ) {
    while (next < count && waiting.length < ahead) {
      const end = endOfPart(next, count, spans, headerSize);
      waiting.push(start(next, end));
      next = end;
    }
    const first = waiting.shift();
    if (first === undefined) return;
    const { from, end } = first;
    const { batch, answered } = readAnswer(await first.response, part(from, end), end - from, hash);
    if (from + answered < end) waiting.unshift(start(from + answered, end));
    if (batch.count > 0) yield batch;
  }
}

/** Where to end a request so that its records fit in one response. Those that do not are requested again: one more round trip. */
function endOfPart(from: number, count: number, spans: ArrayLike<number> | undefined, headerSize: number): number {
  if (spans === undefined) return Math.min(count, from + ASKED_COUNT);
  let end = from;
  for (let size = 0; end < count && end - from < MAX_BATCH_COUNT / 4; end++) {
    size += (spans[end] as number) + headerSize;
    if (end > from && size > ASKED_SIZE) break;
  }
  return end;
}
