import { MissingBlockError } from '../base/errors.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { capability } from '../store/capability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import { madeEtag } from './headers.ts';
import type { Representation } from './representation.ts';

/** Bytes of the records of one answer, unless it has one Block alone. */
const MAX_ANSWER_SIZE = 4 * 1024 * 1024;

/**
 * Many Blocks at once, as records of data files: `/r/`. All of them are verified before any is sent, since caches keep the answer.
 *
 * @returns undefined where they are more than go into one answer
 * @throws {MissingBlockError} where one is not there: caches would keep what lacks it
 */
export async function blockRecords(
  store: Store,
  hashcodes: readonly HashCode[],
  checker: RecordChecker,
  cacheControl: string,
  signal: AbortSignal,
): Promise<Representation | undefined> {
  const stored = await atMost(storedRecords(store, hashcodes, checker, signal));
  if (stored === undefined) return undefined;
  // Records leave out what is missing or damaged: each by itself says which of the two.
  const found = stored.count === hashcodes.length ? stored : await atMost(madeRecords(store, hashcodes, signal));
  if (found === undefined) return undefined;
  const { images, size } = found;
  return {
    // The same Blocks may be stored otherwise one day, compressed or no longer: their headers say so.
    etag: madeEtag('records', Buffer.concat(found.headers)),
    contentType: 'application/octet-stream',
    size,
    headers: { 'cache-control': cacheControl },
    read: ({ start, end } = { start: 0, end: size }) => part(images, start, end),
  };
}

/** Which Blocks are there: a digit each, 1 or 0. Another may be there soon, so nobody keeps the answer. */
export async function whichAreThere(store: Store, hashcodes: readonly HashCode[], signal: AbortSignal): Promise<Representation> {
  const digits = Buffer.from((await store.has(hashcodes, { signal })).map((isThere) => (isThere ? '1' : '0')).join(''));
  return {
    etag: madeEtag('has', digits),
    contentType: 'text/plain; charset=us-ascii',
    size: digits.length,
    headers: { 'cache-control': 'no-store' },
    read: ({ start, end } = { start: 0, end: digits.length }) => part([digits], start, end),
  };
}

type Records = Pick<RecordBatch, 'image' | 'count' | 'storedSizes'>;

/** All of some records, unless they are too many. */
async function atMost(
  records: AsyncIterable<Records>,
): Promise<
  | { readonly images: readonly Uint8Array[]; readonly headers: readonly Uint8Array[]; readonly size: number; readonly count: number }
  | undefined
> {
  const images: Uint8Array[] = [];
  const headers: Uint8Array[] = [];
  let size = 0;
  let all = 0;
  for await (const { image, count, storedSizes } of records) {
    images.push(image);
    const headerSize = (image.length - storedSizes.reduce((sum, stored) => sum + stored, 0)) / count;
    let at = 0;
    for (const stored of storedSizes) {
      headers.push(image.subarray(at, at + headerSize));
      at += headerSize + stored;
    }
    size += image.length;
    all += count;
    if (size > MAX_ANSWER_SIZE && all > 1) return undefined;
  }
  return { images, headers, size, count: all };
}

/** As they are stored, where the Store has records. */
async function* storedRecords(
  store: Store,
  hashcodes: readonly HashCode[],
  checker: RecordChecker,
  signal: AbortSignal,
): AsyncGenerator<Records> {
  const digests = Buffer.concat(hashcodes.map(({ digest }) => digest));
  for await (const { image, count, sizes, storedSizes, release } of capability(store, 'recordSource')?.records(digests, undefined, {
    signal,
  }) ?? []) {
    const own = Buffer.from(image);
    release?.();
    await checker.check(
      own,
      count,
      store.name,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    yield { image: own, count, storedSizes };
  }
}

async function* madeRecords(store: Store, hashcodes: readonly HashCode[], signal: AbortSignal): AsyncGenerator<Records> {
  const hash = hashByName(store.hashName);
  for (const hashcode of hashcodes) {
    const data = await store.get(hashcode, { signal });
    if (data === undefined) throw new MissingBlockError(hashcodeLabel(hashcode), store.name);
    yield packRecords([{ digest: hashcode.digest, data }], hash, 'none');
  }
}

async function* part(images: readonly Uint8Array[], start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const image of images) {
    const found = image.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += image.length;
    if (found.length > 0) yield await Promise.resolve(found);
  }
}
