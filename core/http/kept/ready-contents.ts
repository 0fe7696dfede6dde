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

/** Contents of up to this many bytes are read completely at the first request. */
const MAX_SMALL_SIZE = 1024 * 1024;
/** Contents of up to this many bytes are read completely at the second request. */
const MAX_CONTENT_SIZE = 16 * 1024 * 1024;
/** Bytes of contents in memory, at most. */
const MAX_KEPT_SIZE = 32 * 1024 * 1024;
/** Large contents whose first request is remembered, at most. */
const MAX_ASKED = 256;
/** Size of reusable buffers for contents that are not kept, and how many are ready. */
const SPARE_SIZE = 128 * 1024;
const MAX_SPARE = 64;
/** Data files kept open, at most. */
const MAX_FILES = 16;

/** A completely verified content. */
export interface ReadyContent {
  readonly size: number;
  /** Its places in files; undefined if only the Store can give it. */
  readonly places: ContentPlaces | undefined;
  /** The CRC-32 of the verified bytes. */
  readonly crc: number;
  bytes: Uint8Array | undefined;
  /** The total of bytes read when it was last read. */
  readAt: number;
}

/**
 * Contents that are sent without looking at their Blocks. The most recent ones are in memory. Others are read again at the places where
 * they were verified; their CRC-32 shows whether the bytes are unchanged, much faster than their digests would.
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
   * Reads a content completely; undefined if it is large and requested for the first time, or there is no room.
   *
   * @param reserve - counts bytes to hold; returns false if they are too many
   * @returns the content and its bytes
   * @throws errors of reading
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
    // If that failed for any reason, the Store repairs it or reports the error.
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
   * Calls `use` with the bytes of a content if they are available at once.
   *
   * @param use - if it gets a second argument, it must call that when the bytes are no longer needed: their memory is reused
   * @returns whether they were available
   */
  withBytes(content: ReadyContent, use: (bytes: Uint8Array, done?: () => void) => void): boolean {
    const { bytes, places } = content;
    if (bytes !== undefined) {
      this.#kept.get(content);
      use(bytes);
      return true;
    }
    if (places === undefined) return false;
    // A content that is requested so rarely would be dropped before its next use.
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

  /** Drops a content from memory. */
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

  /** Drops all contents and closes all files. */
  close(): void {
    this.#kept.clear();
    for (const file of [...this.#files.keys()]) this.#close(file);
  }
}
