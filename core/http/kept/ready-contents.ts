import { closeSync } from 'node:fs';
import { openStoreFile } from '../../base/system/store-files.ts';
import type { Block, HashBlock } from '../../block/block.ts';
import { formatBlock } from '../../block/block-text.ts';
import { readBlockBytes } from '../../block/read-range.ts';
import type { Leaf } from '../../block/tree-walk.ts';
import { leavesOf } from '../../block/tree-walk.ts';
import { capability } from '../../store/capability.ts';
import type { Store } from '../../store/store.ts';
import type { ContentPlaces } from './content-places.ts';
import { contentPlaces, readAtPlaces } from './content-places.ts';

/** Octets of a content that is read whole when it is asked for. */
const MAX_SMALL_SIZE = 1024 * 1024;
/** Octets of a content that is read whole when it is asked for again. */
const MAX_CONTENT_SIZE = 16 * 1024 * 1024;
/** Octets of contents in memory. */
const MAX_KEPT_SIZE = 48 * 1024 * 1024;
/** Large contents of which is known that they were asked for. */
const MAX_ASKED = 256;
/** Data files held open. */
const MAX_FILES = 16;

/** A content that was verified whole. */
export interface ReadyContent {
  readonly size: number;
  /** Where it lies; undefined where it can be had only from the Store. */
  readonly places: ContentPlaces | undefined;
  bytes: Uint8Array | undefined;
  /** Octets that had been read in all when it was read last. */
  readAt: number;
}

/**
 * Contents that are sent as they are, without a look at their Blocks. Those asked for last are in memory. Others are read again where
 * they lay when they were verified: their CRC-32 tells whether the bytes are still the same, at a hundredth of the cost of their digests.
 */
export class ReadyContents {
  readonly #store: Store;
  /** In the order of use, the latest last. */
  readonly #kept = new Set<ReadyContent>();
  readonly #asked = new Set<string>();
  readonly #files = new Map<string, number>();
  #keptSize = 0;
  #readSize = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Reads a content whole; undefined where it is large, and was not asked for before.
   *
   * @returns the content, and its bytes
   * @throws what reading throws
   */
  async load(block: Block, signal: AbortSignal): Promise<{ readonly content: ReadyContent; readonly bytes: Uint8Array } | undefined> {
    if (block.span > MAX_CONTENT_SIZE || (block.span > MAX_SMALL_SIZE && this.#isFirst(block))) return undefined;
    const store = this.#store;
    const bytes = await readBlockBytes(store, block, { maxSize: MAX_CONTENT_SIZE, signal });
    const leaves: Leaf[] = [];
    for await (const leaf of leavesOf(store, block, { signal })) leaves.push(leaf);
    const hashes = leaves.map((leaf) => leaf.block).filter((leaf): leaf is HashBlock => leaf.kind === 'hash');
    const locations = capability(store, 'location')?.locate(
      hashes.map(({ hashcode }) => hashcode.digest),
      hashes.map(({ span }) => span),
    );
    const places = locations && hashes.length === leaves.length ? contentPlaces(leaves, locations, bytes) : undefined;
    const content: ReadyContent = { size: bytes.length, places, bytes: undefined, readAt: this.#readSize };
    if (places === undefined) this.#keep(content, bytes);
    return { content, bytes };
  }

  #isFirst(block: Block): boolean {
    const key = formatBlock(block);
    if (this.#asked.delete(key)) return false;
    this.#asked.add(key);
    const [oldest = key] = this.#asked;
    if (this.#asked.size > MAX_ASKED) this.#asked.delete(oldest);
    return true;
  }

  /** The bytes of a content, if they can be had at once. */
  atHand(content: ReadyContent): Uint8Array | undefined {
    const { bytes } = content;
    if (bytes !== undefined) {
      this.#kept.delete(content);
      this.#kept.add(content);
      return bytes;
    }
    const read = content.places === undefined ? undefined : this.#readAgain(content.places);
    if (read === undefined) return undefined;
    // What comes back only after more than can be kept would be dropped by then.
    if (this.#readSize - content.readAt < MAX_KEPT_SIZE) this.#keep(content, read);
    this.#readSize += content.size;
    content.readAt = this.#readSize;
    return read;
  }

  #keep(content: ReadyContent, bytes: Uint8Array): void {
    content.bytes = bytes;
    this.#kept.add(content);
    this.#keptSize += content.size;
    for (const oldest of this.#kept) {
      if (this.#keptSize <= MAX_KEPT_SIZE) break;
      this.drop(oldest);
    }
  }

  /** It is not kept in memory any more. */
  drop(content: ReadyContent): void {
    content.bytes = undefined;
    if (this.#kept.delete(content)) this.#keptSize -= content.size;
  }

  #readAgain(places: ContentPlaces): Uint8Array | undefined {
    try {
      return readAtPlaces(places, (file) => this.#descriptor(file));
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
    for (const content of [...this.#kept]) this.drop(content);
    for (const file of [...this.#files.keys()]) this.#close(file);
  }
}
