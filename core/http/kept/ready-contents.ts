import { closeSync } from 'node:fs';
import { crc32 } from '../../base/crc32.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { openStoreFile } from '../../base/system/store-files.ts';
import type { Block, HashBlock } from '../../block/block.ts';
import { formatBlock } from '../../block/block-text.ts';
import type { HashFunction } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import { readBlockBytes } from '../../block/read-range.ts';
import type { Leaf } from '../../block/tree-walk.ts';
import { leavesOf } from '../../block/tree-walk.ts';
import { capability } from '../../store/capability.ts';
import type { Store } from '../../store/store.ts';
import type { ContentPlaces } from './content-places.ts';
import { contentPlaces, isOfLeaves, readAtPlaces } from './content-places.ts';

/** Bytes of a content that is read whole when it is asked for. */
const MAX_SMALL_SIZE = 1024 * 1024;
/** Bytes of a content that is read whole when it is asked for again. */
const MAX_CONTENT_SIZE = 16 * 1024 * 1024;
/** Bytes of contents in memory. */
const MAX_KEPT_SIZE = 32 * 1024 * 1024;
/** Large contents that are known to have been asked for. */
const MAX_ASKED = 256;
/** Bytes of memory that is used again and again, for what is not kept; and how many such pieces are ready. */
const SPARE_SIZE = 128 * 1024;
const MAX_SPARE = 64;
/** Data files held open. */
const MAX_FILES = 16;

/** A content that was verified whole. */
export interface ReadyContent {
  readonly size: number;
  /** Where it is; undefined where it can be had only from the Store. */
  readonly places: ContentPlaces | undefined;
  /** The CRC-32 of what was verified. */
  readonly crc: number;
  bytes: Uint8Array | undefined;
  /** Bytes that had been read in all when it was read last. */
  readAt: number;
}

/**
 * Contents that are sent as they are, without a look at their Blocks. Those asked for last are in memory. Others are read again where
 * they lay when they were verified: their CRC-32 says whether the bytes are still the same, at a fraction of what their digests cost.
 */
export class ReadyContents {
  readonly #store: Store;
  readonly #hash: HashFunction;
  readonly #kept = new RecentMap<ReadyContent, ReadyContent>({
    maxSize: MAX_KEPT_SIZE,
    sizeOf: ({ size }) => size,
    dropped: (content) => {
      content.bytes = undefined;
    },
  });
  readonly #asked = new Set<string>();
  readonly #files = new Map<string, number>();
  readonly #spare: Buffer[] = [];
  #readSize = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#hash = hashByName(store.hashName);
  }

  /**
   * Reads a content whole; undefined where it is large, and was not asked for before, or there is no room for it.
   *
   * @param reserve - counts bytes that are to be held; false where they are too many
   * @returns the content, and its bytes
   * @throws what reading throws
   */
  async load(
    block: Block,
    reserve: (size: number) => boolean,
    signal: AbortSignal,
  ): Promise<{ readonly content: ReadyContent; readonly bytes: Uint8Array } | undefined> {
    if (block.span > MAX_CONTENT_SIZE || (block.span > MAX_SMALL_SIZE && this.#isFirst(block))) return undefined;
    if (!reserve(block.span)) return undefined;
    const store = this.#store;
    const leaves: Leaf[] = [];
    for await (const leaf of leavesOf(store, block, { signal })) leaves.push(leaf);
    const places = this.#placesOf(leaves);
    const there = places && this.#readAt(places, Buffer.allocUnsafeSlow(places.runSize));
    const isThere = there !== undefined && isOfLeaves(there, leaves, this.#hash);
    // Whatever is wrong there: the Store mends it, or says so.
    const bytes = isThere ? there : await readBlockBytes(store, block, { maxSize: MAX_CONTENT_SIZE, signal });
    const content: ReadyContent = {
      size: bytes.length,
      places: isThere ? places : undefined,
      crc: crc32(bytes),
      bytes: undefined,
      readAt: this.#readSize,
    };
    if (content.places === undefined) this.#keep(content, bytes);
    return { content, bytes };
  }

  #placesOf(leaves: readonly Leaf[]): ContentPlaces | undefined {
    const hashes: HashBlock[] = [];
    for (const { block } of leaves) {
      if (block.kind !== 'hash') return undefined;
      hashes.push(block);
    }
    const locations = capability(this.#store, 'location')?.locate(
      hashes.map(({ hashcode }) => hashcode.digest),
      hashes.map(({ span }) => span),
    );
    return locations && contentPlaces(leaves, locations);
  }

  #isFirst(block: Block): boolean {
    const key = formatBlock(block);
    if (this.#asked.delete(key)) return false;
    this.#asked.add(key);
    const [oldest = key] = this.#asked;
    if (this.#asked.size > MAX_ASKED) this.#asked.delete(oldest);
    return true;
  }

  /**
   * Gives the bytes of a content to `use`, if they can be had at once.
   *
   * @param use - the function that it is given, if any, is to be called once the bytes are not needed any more: their memory is used again
   * @returns whether they could be had
   */
  withBytes(content: ReadyContent, use: (bytes: Uint8Array, done?: () => void) => void): boolean {
    const { bytes, places } = content;
    if (bytes !== undefined) {
      this.#kept.get(content);
      use(bytes);
      return true;
    }
    if (places === undefined) return false;
    // What comes back only after more than can be kept would be dropped by then.
    const isKept = this.#readSize - content.readAt < MAX_KEPT_SIZE;
    const isSpare = !isKept && places.runSize <= SPARE_SIZE;
    const memory = isSpare ? (this.#spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_SIZE)) : Buffer.allocUnsafeSlow(places.runSize);
    const read = this.#readAt(places, memory);
    if (read === undefined || crc32(read) !== content.crc) return false;
    if (isKept) this.#keep(content, read);
    this.#readSize += content.size;
    content.readAt = this.#readSize;
    if (!isSpare) use(read);
    else
      use(read, () => {
        if (this.#spare.length < MAX_SPARE) this.#spare.push(memory);
      });
    return true;
  }

  #keep(content: ReadyContent, bytes: Uint8Array): void {
    if (this.#kept.set(content, content)) content.bytes = bytes;
  }

  /** It is not kept in memory any more. */
  drop(content: ReadyContent): void {
    this.#kept.delete(content);
  }

  #readAt(places: ContentPlaces, memory: Buffer): Uint8Array | undefined {
    try {
      return readAtPlaces(places, (file) => this.#descriptor(file), memory);
    } catch {
      return undefined; // the Store says what is wrong
    }
  }

  #descriptor(file: string): number {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const fd = openStoreFile(file, 'read');
    this.#files.set(file, fd);
    const [oldest = file] = this.#files.keys();
    if (this.#files.size > MAX_FILES) this.#close(oldest);
    return fd;
  }

  #close(file: string): void {
    const fd = this.#files.get(file);
    this.#files.delete(file);
    if (fd !== undefined) closeSync(fd);
  }

  /** Drops all that is kept, and closes what was opened. */
  close(): void {
    this.#kept.clear();
    for (const file of [...this.#files.keys()]) this.#close(file);
  }
}
