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

/** Bytes of one answer, at most; a single Block may exceed it. */
const MAX_ANSWER_SIZE = 4 * 1024 * 1024;

/**
 * Many Blocks in one answer, as records of data files: `/r/`. All of them are verified before any is sent, since caches keep the answer.
 *
 * @returns undefined if they do not fit into one answer
 * @throws {MissingBlockError} if one is missing: caches would keep an incomplete answer
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
  // recordSource skips missing and damaged Blocks; reading them one by one tells which.
  const found = stored.count === hashcodes.length ? stored : await atMost(madeRecords(store, hashcodes, signal));
  if (found === undefined) return undefined;
  const { images, size } = found;
  return {
    // The same Blocks may be stored in another form later, such as compressed; the headers tell which.
    etag: madeEtag('records', Buffer.concat(found.headers)),
    contentType: 'application/octet-stream',
    size,
    headers: { 'cache-control': cacheControl },
    read: ({ start, end } = { start: 0, end: size }) => part(images, start, end),
  };
}

/** Which Blocks exist: one digit each, 1 or 0. The answer is not cached, since a missing Block may arrive. */
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

/** Collects records; undefined if they are too large for one answer. */
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

/** Records as stored; none if the Store offers no records. */
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
