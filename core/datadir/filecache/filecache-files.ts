import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, readdirSync, readSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../base/system/file-lock.ts';
import { openStoreFile } from '../../base/system/store-files.ts';
import { errorCode } from '../../base/system/system-error.ts';
import { digestKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { DatafileIndex } from '../../store/records/datafile-index.ts';
import { footerIndex } from '../datafiles/datafile-footer.ts';
import type { Location } from '../index/index-types.ts';

/**
 * The Store id in the header of every cache file, which is `filecache` in ASCII: no file without it is ever removed,
 * whatever folder a cache is pointed at.
 */
export const FILECACHE_ID = '66696c65-6361-6368-6500-000000000000';

/** Records read before other work of the process may continue: some 30 ms. */
const TURN_RECORDS = 16_384;

/** A cache file, and what is known to be in it. */
export interface CacheFile {
  readonly name: string;
  /** Nanoseconds since 1970: the oldest goes first. */
  readonly createdNs: bigint;
  /** Every whole record before this offset is known. */
  scannedTo: number;
  /** Bytes of the file, as it was seen last, and when it was scanned last. */
  size: number;
  scannedSize: number;
  /** Digests of the Blocks in it, as keys, but for those in its index. */
  readonly keys: Set<string>;
}

/**
 * The flat files of a file cache: `.vtd` files in one folder, each with the set of hashes in it. Several processes may
 * add to one folder, each to a file of its own, and drop files; what they do is seen by `refresh`.
 */
export class CacheFiles {
  readonly #folder: string;
  readonly #hash: HashFunction;
  readonly #files = new Map<string, CacheFile>();
  readonly #locations = new Map<string, Location>();
  /** Those that end in an index. */
  readonly #indexed = new Map<string, DatafileIndex>();
  #lastFound = '';
  /** Blocks that were found damaged in one of these. */
  readonly #damaged = new Set<string>();

  constructor(folder: string, hash: HashFunction) {
    this.#folder = folder;
    this.#hash = hash;
  }

  /** Where a Block is. @param key - of the digest */
  get(digest: Uint8Array, key = digestKey(digest)): Location | undefined {
    const location = this.#locations.get(key);
    if (location !== undefined || this.#damaged.has(key)) return location;
    // What was kept together is read together: mostly it is in the file of the Block before.
    const last = this.#indexed.get(this.#lastFound)?.find(digest);
    if (last !== undefined) return { file: this.#lastFound, ...last };
    for (const [file, index] of this.#indexed) {
      const place = index.find(digest);
      if (place === undefined) continue;
      this.#lastFound = file;
      return { file, ...place };
    }
    return undefined;
  }

  /** Digests of all Blocks, as keys, each once. */
  keys(): Iterable<string> {
    const keys = new Set(this.#locations.keys());
    for (const index of this.#indexed.values())
      for (const [digest] of index.entries()) {
        const key = digestKey(digest);
        if (!this.#damaged.has(key)) keys.add(key);
      }
    return keys;
  }

  /** Bytes of all files. */
  get size(): number {
    let size = 0;
    for (const file of this.#files.values()) size += file.size;
    return size;
  }

  /** Takes a file that this process writes to. */
  add(name: string, createdNs: bigint, size: number): CacheFile {
    const file: CacheFile = { name, createdNs, scannedTo: size, size, scannedSize: size, keys: new Set() };
    this.#files.set(name, file);
    return file;
  }

  /** Takes a Block into a file. */
  put(file: CacheFile, key: string, location: Location): void {
    file.keys.add(key);
    this.#locations.set(key, location);
  }

  /** A file of ours has another size: nothing of it is new to us. */
  grew(name: string, size: number): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.size = size;
    file.scannedTo = size;
    file.scannedSize = size;
  }

  /** A Block that is damaged where it is: from now on it is not there. */
  forgetBlock(key: string): void {
    const location = this.#locations.get(key);
    if (location === undefined) {
      this.#damaged.add(key);
      return;
    }
    this.#locations.delete(key);
    this.#files.get(location.file)?.keys.delete(key);
  }

  /** A file that is gone. */
  forgetFile(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    this.#files.delete(name);
    this.#indexed.delete(name);
    for (const key of file.keys) if (this.#locations.get(key)?.file === name) this.#locations.delete(key);
  }

  /** Sees which files have come, grown and gone. */
  survey(own: string | undefined): void {
    const names = readdirSync(this.#folder).filter((name) => name.endsWith('.vtd'));
    const present = new Set(names);
    for (const name of [...this.#files.keys()]) if (!present.has(name)) this.forgetFile(name);
    for (const name of names) {
      if (name === own) continue;
      const seen = statSync(join(this.#folder, name), { throwIfNoEntry: false });
      const known = this.#files.get(name);
      if (seen === undefined || (known !== undefined && seen.size < known.scannedTo)) this.forgetFile(name);
      const file = seen === undefined ? undefined : (this.#files.get(name) ?? this.#begin(name));
      if (file !== undefined && seen !== undefined) file.size = seen.size;
    }
  }

  /** Sees what other processes did, and reads the heads of the records that are new. */
  async refresh(own: string | undefined): Promise<void> {
    this.survey(own);
    for (const file of [...this.#files.values()]) if (file.name !== own && file.size !== file.scannedSize) await this.#scan(file);
  }

  /** The index at its end is read where it has one, else the heads: what a record holds is verified whenever it is read. */
  async #scan(file: CacheFile): Promise<void> {
    const fd = this.#open(file.name);
    if (fd === undefined) return;
    try {
      const { size } = fstatSync(fd);
      const index = file.scannedTo === DATAFILE_HEADER_SIZE ? footerIndex(fd, this.#hash) : undefined;
      if (index !== undefined) {
        this.#indexed.set(file.name, index);
        this.grew(file.name, size);
        return;
      }
      const headSize = RECORD_FIXED_SIZE + this.#hash.digestSize;
      const head = Buffer.allocUnsafe(headSize);
      let records = 0;
      while (readSync(fd, head, 0, headSize, file.scannedTo) === headSize) {
        const header = decodeRecordHeader(head, 0, this.#hash.digestSize);
        // Behind what is torn or damaged nothing is looked for: a Block that a cache has lost is fetched again.
        if (header === undefined) break;
        const offset = file.scannedTo + headSize;
        if (offset + header.storedSize > size) break;
        file.scannedTo = offset + header.storedSize;
        const { storedSize, size: blockSize, codec } = header;
        if (!header.isGap) this.put(file, digestKey(header.digest), { file: file.name, offset, storedSize, size: blockSize, codec });
        if (++records % TURN_RECORDS === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      file.size = size;
      file.scannedSize = size;
    } finally {
      closeSync(fd);
    }
  }

  #open(name: string): number | undefined {
    try {
      return openStoreFile(join(this.#folder, name), 'read');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #begin(name: string): CacheFile | undefined {
    const fd = this.#open(name);
    if (fd === undefined) return undefined;
    try {
      const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
      const start = decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
      if (start.kind !== 'header' || start.header.storeId !== FILECACHE_ID || start.header.hashName !== this.#hash.name) return undefined;
      return this.add(name, start.header.createdNs, DATAFILE_HEADER_SIZE);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Removes the oldest file that no process writes to. A process that reads it continues with its open descriptor.
   *
   * @param own - the file that this process writes to
   * @param ended - files that it wrote to before, and still holds
   * @returns its name, or undefined where there is none
   */
  dropOldest(own: string | undefined, ended: readonly string[]): string | undefined {
    const oldestFirst = [...this.#files.values()].sort((a, b) =>
      a.createdNs < b.createdNs ? -1 : a.createdNs > b.createdNs ? 1 : a.name < b.name ? -1 : 1,
    );
    for (const { name } of oldestFirst) {
      if (name === own || !(ended.includes(name) || this.#isFree(name))) continue;
      try {
        unlinkSync(join(this.#folder, name));
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
      this.forgetFile(name);
      return name;
    }
    return undefined;
  }

  #isFree(name: string): boolean {
    let fd: number;
    try {
      fd = openStoreFile(join(this.#folder, name), 'read');
    } catch {
      return true;
    }
    try {
      return tryLock(fd) === 'held';
    } finally {
      closeSync(fd);
    }
  }
}

/** A name for a new cache file. */
export function newCacheFileName(): string {
  return `${randomUUID()}.vtd`;
}
