import { VtError } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import { readRecords } from '../../store/records/check-records.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { answeredBy } from '../../store/records/record-batch.ts';
import { formatBlockNames } from '../block-content.ts';
import type { HttpClient } from './http-client.ts';

/** Blocks asked for at once: a URL of them goes through proxies, which take 8 KiB. */
const MAX_ASKED = 150;
/** Blocks from which on a question may end where the digests say so. */
const MIN_ASKED = 32;
/** Bytes of Blocks asked for at once. */
const ASKED_SIZE = 1024 * 1024;
/** Where a size is not known. */
const USUAL_SIZE = 8192;

/**
 * Some Blocks as records. They are not verified.
 *
 * @returns undefined where they are not to be had together: one is missing or damaged, or they are too many
 * @throws {ParseError} for an answer of no records, or of others
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
 * Which of some Blocks are there.
 *
 * @param digests - as many as are asked for at once
 * @throws {VtError} EFAILED for an answer that says nothing of it
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

/** What a digit each says of some Blocks. @throws {VtError} EFAILED where there are none */
export function readDigits(body: Buffer, status: number, count: number, action: string): boolean[] {
  const digits = body.toString('latin1').trim();
  if (status !== 200 || digits.length !== count || !/^[01]*$/.test(digits))
    throw new VtError('EFAILED', `${action}: the server answered with ${status}`);
  return [...digits].map((digit) => digit === '1');
}

/** Digests in the parts in which they are asked for. They mostly end at the same digests whatever comes before, so that caches know them. */
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
