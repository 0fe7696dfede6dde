import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { IndexUser } from './index-check.ts';
import type { FileMarks, IndexBatch, IndexOwner, IndexRewrite, Location, PresentDigests } from './index-types.ts';
import { IndexDamagedError } from './index-types.ts';
import {
  decodeLocation,
  encodeLocation,
  encodeMarks,
  isDamagedLocation,
  isLocation,
  isMarks,
  withCrc,
  withoutCrc,
} from './index-values.ts';

// The only file that imports lmdb, which takes 44 ms: that happens when an index is first opened.

/** Layout of the databases; an index of another version is made anew. */
const INDEX_VERSION = '1';

/**
 * Address space set aside for the index, in octets; the file grows with what is in it. At about 100 octets a Block
 * this is 600 million Blocks.
 */
const MAP_SIZE = 64 * 2 ** 30;
/** Octets that a transaction may need besides its Blocks, and those of a Block at worst: pages are copied, not changed. */
const SPARE_SPACE = 512 * 1024;
const SPACE_OF_BLOCK = 256;
/** Locations checked before other work may go on. */
const CHECK_STEP = 16384;
/** Octets that LMDB's lock file takes for its default of 126 readers, rounded up. */
const LOCK_FILE_SIZE = 16384;

/** Where every Block of a datadir lies, in LMDB: a cache of what the data files say. */
export class LmdbIndex {
  readonly #folder: string;
  readonly #root: RootDatabase<Buffer, Uint8Array>;
  readonly #blocks: Database<Buffer, Uint8Array>;
  readonly #files: Database<Buffer, Uint8Array>;
  readonly #cache: Database<Buffer, Uint8Array>;
  readonly #meta: Database<string, string>;
  #numbers = new Map<string, number>();
  #names: (string | undefined)[] = [];
  /** Absent where nothing may be written. */
  readonly #user: IndexUser | undefined;

  private constructor(folder: string, root: RootDatabase<Buffer, Uint8Array>, user: IndexUser | undefined) {
    this.#folder = folder;
    this.#user = user;
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    this.#root = root;
    this.#blocks = root.openDB<Buffer, Uint8Array>('blocks', binary);
    this.#files = root.openDB<Buffer, Uint8Array>('files', binary);
    this.#cache = root.openDB<Buffer, Uint8Array>('cache', binary);
    this.#meta = root.openDB<string, string>('meta', { encoding: 'string' });
  }

  /**
   * Opens an index, or makes an empty one.
   *
   * @returns the index, or why it cannot be used: it is of another Store, hash function or version
   * @throws what LMDB throws for a file that is none of its own
   */
  static open(folder: string, owner: IndexOwner, options: { readonly readOnly: boolean }): LmdbIndex | string {
    if (!options.readOnly) makeFolder(folder);
    const lmdb = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
    const user = options.readOnly ? undefined : new IndexUser(folder);
    let root: RootDatabase<Buffer, Uint8Array> | undefined;
    try {
      root = lmdb.open<Buffer, Uint8Array>({
        path: folder,
        mapSize: MAP_SIZE,
        maxDbs: 8,
        encoding: 'binary',
        keyEncoding: 'binary',
        readOnly: options.readOnly,
      });
      const index = new LmdbIndex(folder, root, user);
      const reason = index.#claim(owner, options.readOnly);
      if (reason === undefined) {
        index.#loadFiles();
        return index;
      }
      void index.close();
      return reason;
    } catch (error) {
      void root?.close();
      user?.close();
      throw error;
    }
  }

  #claim(owner: IndexOwner, readOnly: boolean): string | undefined {
    const version = this.#meta.get('version');
    if (version === undefined) {
      if (readOnly) return 'it is empty';
      this.#user?.beforeWrite();
      this.#root.transactionSync(() => {
        this.#meta.putSync('store', owner.storeId);
        this.#meta.putSync('hash', owner.hashName);
        this.#meta.putSync('version', INDEX_VERSION);
      });
      return undefined;
    }
    if (version !== INDEX_VERSION) return `it has version "${version}"`;
    if (this.#meta.get('store') !== owner.storeId) return 'it is that of another Store';
    if (this.#meta.get('hash') !== owner.hashName) return 'it is of another hash function';
    return undefined;
  }

  /** Sees what other processes have committed. Without it a read may see the state of the current turn's first read. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /**
   * Where a Block lies, or undefined.
   *
   * @throws {IndexDamagedError} if what the index holds cannot be
   */
  get(digest: Uint8Array): Location | undefined {
    const value = this.#lookUp(digest);
    return value === undefined ? undefined : decodeLocation(value, this.#fileOf);
  }

  /**
   * Whether a Block is known, and not known to be damaged.
   *
   * @throws {IndexDamagedError} if what the index holds cannot be
   */
  has(digest: Uint8Array): boolean {
    const value = this.#lookUp(digest);
    return value !== undefined && !isDamagedLocation(value);
  }

  #lookUp(digest: Uint8Array): Buffer | undefined {
    let value: Buffer | undefined;
    try {
      value = this.#blocks.getBinaryFast(digest);
    } catch (error) {
      throw new IndexDamagedError((error as Error).message);
    }
    if (value !== undefined && !isLocation(digest, value)) throw new IndexDamagedError('a location is damaged');
    return value;
  }

  /** Blocks that it knows of, damaged ones included. */
  blockCount(): number {
    return entryCount(this.#blocks);
  }

  /**
   * As {@link digests}, of Blocks not known to be damaged.
   *
   * @returns their digests, how many Blocks there were with the damaged ones, and the last of them
   * @throws {IndexDamagedError} if what the index holds cannot be
   */
  presentDigests(after: Uint8Array | undefined, limit: number): PresentDigests {
    const start = after === undefined ? {} : { start: after, exclusiveStart: true };
    const digests: Uint8Array[] = [];
    let last: Uint8Array | undefined;
    let count = 0;
    for (const { key, value } of this.#blocks.getRange({ ...start, limit })) {
      if (!isLocation(key, value)) throw new IndexDamagedError('a location is damaged');
      last = Uint8Array.from(key);
      if (!isDamagedLocation(value)) digests.push(last);
      count++;
    }
    return { digests, count, last };
  }

  /** Digests in ascending order, at most `limit`, all after `after`. */
  digests(after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const start = after === undefined ? {} : { start: after, exclusiveStart: true };
    return [...this.#blocks.getKeys({ ...start, limit })].map((key) => Uint8Array.from(key));
  }

  /**
   * Checks every location: about a million a second.
   *
   * @throws {IndexDamagedError} at the first that is damaged
   */
  async checkAll(signal?: AbortSignal): Promise<void> {
    // Others may be adding: there are at least as many as there were at the start.
    const atLeast = entryCount(this.#blocks);
    let total = 0;
    let after: Uint8Array | undefined;
    for (;;) {
      throwIfCancelled(signal);
      const start = after === undefined ? {} : { start: after, exclusiveStart: true };
      let count = 0;
      for (const { key, value } of this.#blocks.getRange({ ...start, limit: CHECK_STEP })) {
        if (!isLocation(key, value)) throw new IndexDamagedError('a location is damaged');
        after = Uint8Array.from(key);
        count++;
      }
      total += count;
      if (count < CHECK_STEP) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (total < atLeast) throw new IndexDamagedError(`${atLeast} locations are counted, and ${total} are there`);
  }

  /** The marks of every file known. */
  marks(): Map<string, FileMarks> {
    const found = new Map<string, FileMarks>();
    for (const { key, value } of this.#files.getRange({})) {
      // A file whose marks are damaged is read again.
      if (!isMarks(key, value)) continue;
      found.set(Buffer.from(key).toString('utf8'), { indexedTo: value.readUIntBE(4, 6), seenSize: value.readUIntBE(10, 6) });
    }
    return found;
  }

  /**
   * Puts a batch in one transaction, which is durable and visible to every process once this resolves.
   *
   * @throws what LMDB throws, as on a full disk; nothing of the batch is then in the index
   */
  async commit(batch: IndexBatch): Promise<void> {
    this.#requireSpace(batch);
    this.#user?.beforeWrite();
    for (const name of batch.marks.keys()) this.#numberFor(name);
    if (batch.blocks.files === undefined) for (const [, location] of batch.blocks) this.#numberFor(location.file);
    else for (const file of batch.blocks.files) this.#numberFor(file);
    // In this thread: puts handed to LMDB's own thread took a third more CPU time (98 against 73 ms for 16,384), and
    // where such a transaction fails the package prints the error and rejects a promise that nobody can reach.
    this.#root.transactionSync(() => {
      for (const [digest, location] of batch.blocks)
        this.#blocks.putSync(digest, encodeLocation(digest, location, this.#numberFor(location.file)));
      for (const [name, marks] of batch.marks) this.#files.putSync(Buffer.from(name), encodeMarks(name, this.#numberFor(name), marks));
      // What a value promises may have been given up since it was made: then another generation has begun.
      if (batch.cachePuts.length > 0 && this.#isOfGeneration(batch.generation))
        for (const [key, value] of batch.cachePuts) this.#cache.putSync(key, withCrc(key, value));
    });
    await Promise.resolve();
  }

  #isOfGeneration(generation: string | undefined): boolean {
    return generation === undefined || this.#meta.get('x-generation') === generation;
  }

  /**
   * Blocks and where they lie, ascending by digest, at most `limit`, all after `after`.
   *
   * @throws {IndexDamagedError} at one that cannot be
   */
  entries(after: Uint8Array | undefined, limit: number): (readonly [digest: Uint8Array, location: Location])[] {
    const start = after === undefined ? {} : { start: after, exclusiveStart: true };
    return [...this.#blocks.getRange({ ...start, limit })].map(({ key, value }) => {
      if (!isLocation(key, value)) throw new IndexDamagedError('a location is damaged');
      return [Uint8Array.from(key), decodeLocation(value, this.#fileOf)] as const;
    });
  }

  /**
   * Changes where Blocks lie, the marks of files, and settings, in one transaction.
   *
   * @returns how many of the Blocks still lay where `from` says, and were changed
   */
  rewrite(
    changes: readonly IndexRewrite[],
    marks: ReadonlyMap<string, FileMarks>,
    settings: Readonly<Record<string, string>> = {},
  ): number {
    this.#requireSpace({ blocks: changes.flatMap(({ digest, to }) => (to === undefined ? [] : [[digest, to] as const])), cachePuts: [] });
    this.#user?.beforeWrite();
    for (const name of marks.keys()) this.#numberFor(name);
    for (const { to } of changes) if (to !== undefined) this.#numberFor(to.file);
    return this.#root.transactionSync(() => {
      let changed = 0;
      for (const { digest, from, to } of changes) {
        const value = this.#blocks.get(digest);
        if (value === undefined || !isLocation(digest, value)) continue;
        const found = decodeLocation(value, this.#fileOf);
        if (found.file !== from.file || found.offset !== from.offset) continue;
        changed++;
        if (to === undefined) this.#blocks.removeSync(digest);
        else this.#blocks.putSync(digest, encodeLocation(digest, to, this.#numberFor(to.file)));
      }
      for (const [name, mark] of marks) this.#files.putSync(Buffer.from(name), encodeMarks(name, this.#numberFor(name), mark));
      for (const [name, value] of Object.entries(settings)) this.#meta.putSync(`x-${name}`, value);
      return changed;
    });
  }

  // On a full disk LMDB prints to stderr by itself: it is not let come to that.
  #requireSpace(batch: Pick<IndexBatch, 'blocks' | 'cachePuts'>): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    let wanted = SPARE_SPACE + batch.blocks.length * SPACE_OF_BLOCK;
    for (const [key, value] of batch.cachePuts) wanted += 2 * (key.length + value.length);
    if (bavail * bsize >= wanted) return;
    throw Object.assign(new Error('no space left on the device'), { code: 'ENOSPC' });
  }

  /** A value of the cache; a damaged one is none. */
  cacheGet(key: Uint8Array): Uint8Array | undefined {
    const value = this.#cache.get(key);
    return value === undefined ? undefined : withoutCrc(key, value);
  }

  /** A setting kept with the index. */
  setting(name: string): string | undefined {
    return this.#meta.get(`x-${name}`);
  }

  /** Sets a setting, and drops the cache: for when what it promises may no longer hold. */
  dropCache(name: string, value: string): void {
    this.#user?.beforeWrite();
    this.#root.transactionSync(() => {
      this.#cache.clearSync();
      this.#meta.putSync(`x-${name}`, value);
    });
  }

  #numberFor(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    // The number is given within a transaction: another process may be giving one at the same time.
    const number = this.#root.transactionSync(() => {
      const key = Buffer.from(name);
      const found = this.#files.get(key);
      if (found !== undefined && isMarks(key, found)) return found.readUInt32BE(0);
      this.#loadFiles();
      const next = Math.max(1, this.#names.length);
      this.#files.putSync(key, encodeMarks(name, next, { indexedTo: 0, seenSize: 0 }));
      return next;
    });
    this.#numbers.set(name, number);
    this.#names[number] = name;
    return number;
  }

  readonly #fileOf = (number: number): string => {
    const known = this.#names[number];
    if (known !== undefined) return known;
    this.#loadFiles();
    const loaded = this.#names[number];
    if (loaded === undefined) throw new IndexDamagedError(`it names file ${number}, which it does not know`);
    return loaded;
  };

  #loadFiles(): void {
    for (const { key, value } of this.#files.getRange({})) {
      if (!isMarks(key, value)) continue;
      const name = Buffer.from(key).toString('utf8');
      const number = value.readUInt32BE(0);
      this.#numbers.set(name, number);
      this.#names[number] = name;
    }
  }

  /** Closes it. Nothing may be under way. */
  async close(): Promise<void> {
    await this.#root.close();
    this.#user?.close();
  }
}

function entryCount(database: Database<Buffer, Uint8Array>): number {
  const stats: { readonly entryCount?: unknown } = database.getStats();
  return typeof stats.entryCount === 'number' ? stats.entryCount : 0;
}

// LMDB maps its lock file and writes to it: on a full disk a hole in it would end the process by a signal, where
// writing its octets beforehand fails with a reason.
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'lock.mdb'), Buffer.alloc(LOCK_FILE_SIZE), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new VtError('EOPEN', `make index "${folder}": ${(error as Error).message}`, { cause: error });
  }
}
