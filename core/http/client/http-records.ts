import { VtError } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import { readRecords } from '../../store/records/check-records.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { answeredBy } from '../../store/records/record-batch.ts';
import { formatBlockNames } from '../block-content.ts';
import type { HttpClient } from './http-client.ts';

/** Blocks per request, at most: proxies accept URLs of 8 KiB. */
const MAX_ASKED = 150;
/** Blocks per request, at least, before a digest may end it. */
const MIN_ASKED = 32;
/** Bytes of Blocks per request. */
const ASKED_SIZE = 1024 * 1024;
/** The assumed size of a Block, in bytes, if its span is unknown. */
const USUAL_SIZE = 8192;

/**
 * Requests some Blocks as records; they are not verified.
 *
 * @returns undefined if they cannot be given together: one is missing or damaged, or they are too many
 * @throws {ParseError} if the answer has other records, or none
 */
export async function askRecords(
  client: HttpClient,
  hash: HashFunction,
  digests: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<RecordBatch | undefined> {
  const count = digests.length / hash.digestSize;
  const maxSize = count * (RECORD_FIXED_SIZE + hash.digestSize) + Math.max(hash.maxSize, 4 * ASKED_SIZE);
  const { status, body } = await client.get(`r/${formatBlockNames(digests, hash.name)}`, { maxSize, signal });
  if (status !== 200) return undefined;
  const batch: RecordBatch = { ...readRecords(body, hash, count), isOwned: true };
  answeredBy(batch, digests, 0, hash.digestSize);
  return batch;
}

/**
 * Asks which of some Blocks exist.
 *
 * @param digests - at most as many as one request takes
 * @throws {VtError} EFAILED for an invalid answer
 */
export async function askWhether(
  client: HttpClient,
  hash: HashFunction,
  digests: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean[]> {
  const count = digests.length / hash.digestSize;
  const { status, body } = await client.get(`r/${formatBlockNames(digests, hash.name)}?has`, { maxSize: count, signal });
  return readDigits(body, status, count, `look for Blocks in "${client.name}"`);
}

/** Parses an answer with one digit per Block. @throws {VtError} EFAILED if it is invalid */
export function readDigits(body: Buffer, status: number, count: number, action: string): boolean[] {
  const digits = body.toString('latin1').trim();
  if (status !== 200 || digits.length !== count || !/^[01]*$/.test(digits))
    throw new VtError('EFAILED', `${action}: the server answered with ${status}`);
  return [...digits].map((digit) => digit === '1');
}

/** Splits digests into requests. Parts mostly end at the same digests whatever comes before, so that caches have them. */
export function* partsAsked(digests: Uint8Array, spans: ArrayLike<number> | undefined, digestSize: number): Generator<Uint8Array> {
  const count = digests.length / digestSize;
  let from = 0;
  let size = 0;
  for (let i = 0; i < count; i++) {
    const span = spans?.[i] ?? -1;
    const own = span < 0 ? USUAL_SIZE : span;
    const isEnd = i - from >= MIN_ASKED && (digests[(i - 1) * digestSize] as number) % 32 === 0;
    if (i > from && (isEnd || i - from === MAX_ASKED || size + own > ASKED_SIZE)) {
      yield digests.subarray(from * digestSize, i * digestSize);
      from = i;
      size = 0;
    }
    size += own;
  }
  if (from < count) yield digests.subarray(from * digestSize);
}
