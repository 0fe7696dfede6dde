import { createHash } from 'node:crypto';
import { MissingBlockError } from '../../base/errors.ts';
import { hashByName } from '../../block/hash.ts';
import { hashcodeLabel } from '../../block/hashcode.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { encodeDirent } from '../../dirent/dirent-codec.ts';
import { encodeDatafileHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import { encodeFooter, PlaceList } from '../../store/records/datafile-index.ts';
import { packRecords } from '../../store/records/record-batch.ts';
import type { Store } from '../../store/store.ts';
import type { BlockList } from '../../sync/block-list.ts';
import type { ByteRange } from '../byte-ranges.ts';

/** Blocks read ahead. */
const AHEAD = 16;

/** A one-file Store that is made as it is read. */
export interface TreeFile {
  /** Its size in bytes. */
  readonly size: number;
  /** Makes a part of it. Blocks outside it are not read. */
  read(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array>;
}

/**
 * A one-file Store of a node, as `ar` writes it without compression. The node determines all its bytes, so it is always the same, and any
 * part can be made without the rest.
 *
 * @param node - its first record
 * @param lists - the Blocks that follow: inner ones, and those of contents
 * @see vt(5), "One-file Stores"
 */
export async function treeFile(
  store: Store,
  node: Dirent,
  lists: { readonly metadata: BlockList; readonly contents: BlockList },
  signal: AbortSignal,
): Promise<TreeFile> {
  const hash = hashByName(store.hashName);
  const encoded = encodeDirent(node);
  const first = { digest: hash.digest(encoded), data: encoded };
  // The ids are derived from the node, so that equal trees give equal files.
  const id = createHash('sha256').update(encoded).digest('hex');
  const uuid = (from: number): string => id.slice(from, from + 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const whenNs = node.meta.mtimeNs ?? 0n;
  const createdNs = whenNs < 0n ? 0n : whenNs;
  const start = Buffer.concat([
    encodeDatafileHeader({ hashName: store.hashName, storeId: uuid(0), fileId: uuid(32), createdNs, isOneFile: true }),
    packRecords([first], hash, 'none').image,
  ]);
  const headSize = RECORD_FIXED_SIZE + hash.digestSize;
  const places = new PlaceList(hash.digestSize);
  const digests: Uint8Array[] = [];
  const ends: number[] = [];
  let at = start.length;
  const place = (digest: Uint8Array, size: number, offset: number): void =>
    places.add(digest, { offset, storedSize: size, size, codec: 'none' });
  place(first.digest, encoded.length, start.length - encoded.length);
  let metadataEnd = at;
  for (const list of [lists.metadata, lists.contents]) {
    for (let i = 0; i < list.count; i++) {
      const digest = list.digest(i);
      const size = list.span(i) < 0 ? (await readBlock(store, digest, signal)).length : list.span(i);
      // A Block below may equal the node's own Dirent.
      if (Buffer.compare(digest, first.digest) === 0) continue;
      place(digest, size, at + headSize);
      at += headSize + size;
      digests.push(digest);
      ends.push(at);
    }
    if (list === lists.metadata) metadataEnd = at;
  }
  const index = Buffer.concat([...places.records()]);
  const footer = encodeFooter({ indexStart: at, indexSize: index.length, previous: 0, metadataEnd, whenNs }, hash.digestSize);
  const recordsEnd = at;
  const size = at + index.length + footer.length;

  async function* pieces(
    { start: low, end: high }: ByteRange,
    readSignal: AbortSignal,
  ): AsyncGenerator<readonly [at: number, piece: Uint8Array]> {
    if (low < start.length) yield [0, start];
    const underWay: (readonly [at: number, record: Promise<Uint8Array>])[] = [];
    let next = firstAfter(ends, low);
    const isWanted = (): boolean => next < ends.length && (ends[next - 1] ?? start.length) < high;
    while (underWay.length > 0 || isWanted()) {
      while (underWay.length < AHEAD && isWanted()) {
        const digest = digests[next] as Uint8Array;
        const record = readBlock(store, digest, readSignal).then((data) => packRecords([{ digest, data }], hash, 'none').image);
        // Avoids an unhandled rejection before its turn.
        record.catch(() => undefined);
        underWay.push([ends[next - 1] ?? start.length, record]);
        next++;
      }
      const [recordAt, record] = underWay.shift() as (typeof underWay)[number];
      yield [recordAt, await record];
    }
    if (high > recordsEnd) yield [recordsEnd, Buffer.concat([index, footer])];
  }

  return {
    size,
    async *read(range, readSignal) {
      for await (const [pieceAt, piece] of pieces(range, readSignal)) {
        const part = piece.subarray(Math.max(0, range.start - pieceAt), Math.max(0, range.end - pieceAt));
        if (part.length > 0) yield part;
      }
    },
  };
}

/** The index of the first larger number in an ascending list. */
function firstAfter(ascending: readonly number[], value: number): number {
  let low = 0;
  for (let high = ascending.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function readBlock(store: Store, digest: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const hashcode = { hashName: store.hashName, digest };
  const data = await store.get(hashcode, { signal });
  if (data === undefined) throw new MissingBlockError(hashcodeLabel(hashcode), store.name);
  return data;
}
