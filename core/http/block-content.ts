import { MissingBlockError } from '../base/errors.ts';
import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import type { HashName } from '../block/hash.ts';
import { HASH_NAMES, hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { readBlockRange } from '../block/read-range.ts';
import { withSpan } from '../block/tree-walk.ts';
import type { Store } from '../store/store.ts';
import { contentHeaders, etagOf } from './headers.ts';
import type { Representation } from './representation.ts';

const OCTETS = 'application/octet-stream';

/** Parses `HEX.HASHNAME`: the name of a Block in a URL, the same as in a bucket with one object per Block. */
export function parseBlockName(text: string): HashCode | undefined {
  const [, hex = '', name] = /^([\da-f]+)\.([a-z0-9-]+)$/.exec(text) ?? [];
  const hashName = HASH_NAMES.find((known) => known === name);
  if (hashName === undefined || hex.length !== hashByName(hashName).digestSize * 2) return undefined;
  return { hashName, digest: new Uint8Array(Buffer.from(hex, 'hex')) };
}

/** Blocks per URL of `/r/`. */
const MAX_NAMED = 256;

/** Parses `BASE64URL.HASHNAME`: concatenated digests. Undefined if it is invalid or has more than 256 digests. */
export function parseBlockNames(text: string): readonly HashCode[] | undefined {
  const [, encoded = '', name] = /^([\w-]+)\.([a-z0-9-]+)$/.exec(text) ?? [];
  const hashName = HASH_NAMES.find((known) => known === name);
  if (hashName === undefined) return undefined;
  const digests = Buffer.from(encoded, 'base64url');
  const { digestSize } = hashByName(hashName);
  const count = digests.length / digestSize;
  if (!Number.isInteger(count) || count < 1 || count > MAX_NAMED) return undefined;
  return Array.from({ length: count }, (_, i) => ({ hashName, digest: digests.subarray(i * digestSize, (i + 1) * digestSize) }));
}

/** Formats digests as {@link parseBlockNames} reads them. */
export function formatBlockNames(digests: Uint8Array, hashName: HashName): string {
  return `${Buffer.from(digests.buffer, digests.byteOffset, digests.length).toString('base64url')}.${hashName}`;
}

/** The bytes of one stored Block: `/h/`. @throws {MissingBlockError} */
export async function storedBlock(store: Store, hashcode: HashCode, cacheControl: string, signal: AbortSignal): Promise<Representation> {
  const data = await store.get(hashcode, { signal });
  if (data === undefined) throw new MissingBlockError(hashcodeLabel(hashcode), store.name);
  const block: Block = { kind: 'hash', span: data.length, hashcode };
  return {
    etag: etagOf(block),
    contentType: OCTETS,
    size: data.length,
    block,
    headers: { 'cache-control': cacheControl, ...contentHeaders(OCTETS) },
    async *read(range) {
      yield range === undefined ? data : data.subarray(range.start, range.end);
    },
  };
}

/** The content that a superblock denotes: `/i/`. */
export async function indirectContent(
  store: Store,
  hashcode: HashCode,
  cacheControl: string,
  signal: AbortSignal,
): Promise<Representation> {
  const block = (await withSpan(
    store,
    { kind: 'indirect', span: UNKNOWN_SPAN, refs: { kind: 'hash', span: UNKNOWN_SPAN, hashcode } },
    signal,
  )) as Block;
  return {
    etag: etagOf(block),
    contentType: OCTETS,
    size: block.span,
    headers: { 'cache-control': cacheControl, ...contentHeaders(OCTETS) },
    read: (range, readSignal) => readBlockRange(store, block, { ...range, signal: readSignal }),
  };
}
