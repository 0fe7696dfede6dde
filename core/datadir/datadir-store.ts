import { join } from 'node:path';
import { openArchiveFile } from '../archive/archive-file.ts';
import { archiveNames } from '../archive/archive-names.ts';
import { ClosedError, ReadOnlyError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { StoreAccess } from '../base/system/store-files.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { addOne } from '../store/add-one.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { AddCounts, LocalCache } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { checkBlocks, checkDigests } from '../store/check-blocks.ts';
import { DEFAULT_DURABILITY, type Durability } from '../store/durability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { AddResult, Store } from '../store/store.ts';
import type { RecordWriter } from './datadir-append.ts';
import { RecordAppender } from './datadir-append.ts';
import { DatadirCommits } from './datadir-commits.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { DatadirInternals, DatadirParts } from './datadir-parts.ts';
import { DatadirReads } from './datadir-reads.ts';
import { DatafileReaders } from './datafiles/datafile-readers.ts';
import { locateRuns } from './datafiles/locate-runs.ts';
import type { IndexBatching } from './index/index-ticker.ts';
import type { Location } from './index/index-types.ts';
import { IndexDamagedError } from './index/index-types.ts';
import { JournalFolder } from './journal-folder.ts';
import type { StoreNames } from './names/store-names.ts';
import { SessionReserve } from './session-reserve.ts';
import type { StoreReserve } from './store-reserve.ts';
import { writeError } from './write-error.ts';
import type { WriterPresence } from './writer-presence.ts';

/** Hashcodes listed at a time, in one short read transaction. */
const ENUMERATE_STEP = 4096;

/** A Store with Blocks in `.vtd` files in a local folder, and an index. Several processes may add at once. */
export class Datadir implements Store {
  readonly name: string;
  readonly path: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly cache: LocalCache;
  readonly offers: Offers;
  readonly checksRecords = false;
  readonly #hash: HashFunction;
  readonly compression: StoredCompression;
  /** The modes of new files in it. */
  readonly access: StoreAccess;
  readonly #index: DatadirIndex;
  readonly #hasDigests: boolean;
  readonly #writer: RecordWriter | undefined;
  readonly #readers: DatafileReaders;
  readonly #commits: DatadirCommits;
  readonly #durability: () => Durability;
  readonly #presence: WriterPresence | undefined;
  readonly #storeId: string;
  readonly #reserve: StoreReserve | undefined;
  readonly #sessionReserve: SessionReserve;
  readonly #appender: RecordAppender;
  readonly #layOut: LayOutRecords;
  readonly #reads: DatadirReads;
  readonly #names: StoreNames;
  #closed = false;

  constructor(parts: DatadirParts) {
    this.path = parts.path;
    this.name = parts.name;
    this.hashName = parts.hashName;
    this.edges = parts.edges;
    this.#hash = hashByName(parts.hashName);
    this.compression = parts.compression;
    this.access = parts.access;
    this.#index = parts.index;
    this.#hasDigests = parts.hasDigests;
    this.#layOut = parts.layOut;
    this.#appender = new RecordAppender(this.#hash, parts.index, parts.layOut);
    this.#writer = parts.writer;
    this.#readers = new DatafileReaders(join(parts.path, 'data'));
    this.#names = parts.names;
    this.#reads = new DatadirReads({
      name: parts.name,
      hash: this.#hash,
      index: parts.index,
      readers: this.#readers,
      known: this.#appender.known,
      names: this.#names,
      hasDigests: parts.hasDigests,
      check: (action, options) => this.#check(action, options),
      onDamage: (digest, location) => this.#noteDamage(digest, location),
    });
    this.#durability = parts.durability ?? (() => DEFAULT_DURABILITY);
    this.#presence = parts.presence;
    this.#storeId = parts.storeId;
    this.#reserve = parts.reserve;
    this.#sessionReserve = new SessionReserve(parts.reserve);
    this.#commits = new DatadirCommits({
      name: parts.name,
      hash: this.#hash,
      compression: parts.compression,
      layOut: parts.layOut,
      index: parts.index,
      readers: this.#readers,
      known: this.#appender.known,
      reserve: this.#sessionReserve,
      writer: parts.writer,
      ticker: parts.ticker,
    });
    this.cache = {
      get: (key) => this.#cacheGet(key),
      put: (key, value) => {
        if (this.#closed) throw new ClosedError('put into the cache of', this.name);
        if (this.isWritable) this.#commits.addCachePut(key, value);
      },
    };
    this.offers = {
      access: { write: this.isWritable },
      archives: {
        open: (archive, options) =>
          openArchiveFile(this.archivePath(archive), {
            ...options,
            access: this.access,
            onFull: () => this.#sessionReserve.release(),
          }),
        list: async () => await archiveNames(this.path),
      },
      cache: this.cache,
      counts: this,
      durability: this,
      enumeration: this,
      folders: [this.path],
      journals: new JournalFolder(this.path, { access: this.access, isDurable: () => this.#durability() !== 'none' }),
      location: this,
      names: this.#names,
      recordSink: this,
      // Records without digests cannot be sent.
      recordSource: parts.hasDigests
        ? { records: (digests, spans, options = {}) => this.#reads.records(digests, spans, options) }
        : undefined,
    };
  }

  /** Whether this session may add to it. */
  get isWritable(): boolean {
    return this.#writer !== undefined;
  }

  /** The path of an archive: the history of a tree, kept with this Store. */
  archivePath(name: string): string {
    return join(this.path, 'archives', `${name}.vt`);
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('add to', options);
    const writer = this.#writer;
    if (writer === undefined) throw new ReadOnlyError('add to', this.name);
    checkBlocks(blocks, this.#hash, this.name);
    this.#enter();
    const isKnown = this.#areKnown(blocks);
    const rest = blocks.filter((_, i) => isKnown[i] !== true);
    const isNew = rest.length === 0 ? [] : await this.#add(packRecords(rest, this.#hash, this.compression), writer, options);
    let next = 0;
    return blocks.map(({ data }, i) => {
      if (isKnown[i] !== true) return isNew[next++] === 1;
      this.#appender.tally.addExisting(data.length);
      return false;
    });
  }

  /** Which Blocks are known, so that no records need be made of them. */
  #areKnown(blocks: readonly DigestedBlock[]): boolean[] {
    if (!this.#index.isReady) return [];
    const { known } = this.#appender;
    try {
      this.#index.refresh();
      known.begin();
      return blocks.map(({ digest }) => known.has(digest, 0, this.#hash.digestSize));
    } catch (error) {
      if (error instanceof IndexDamagedError) return []; // adding them makes the index again
      throw error;
    }
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#check('add to', options);
    const writer = this.#writer;
    if (writer === undefined) throw new ReadOnlyError('add to', this.name);
    checkDigests(batch.digests, this.#hash, this.name);
    this.#enter();
    // While the index opens, the caller may reuse its memory, so the image is copied.
    return await this.#add(this.#index.isReady ? batch : { ...batch, image: Uint8Array.from(batch.image) }, writer, options);
  }

  async #add(batch: RecordBatch, writer: RecordWriter, options: OpOptions): Promise<Uint8Array> {
    if (!this.#index.isReady) {
      await this.#index.ready(options.signal);
      this.#check('add to', options);
    }
    let isNew: Uint8Array;
    try {
      isNew = this.#append(batch, writer);
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      const mine = { ...batch, image: Uint8Array.from(batch.image) };
      await this.#reads.rebuildIndex(error, options);
      isNew = this.#append(mine, writer);
    }
    await this.#commits.keepUp();
    if (this.#durability() === 'strict') await this.#commits.flush();
    return isNew;
  }

  #append(batch: RecordBatch, writer: RecordWriter): Uint8Array {
    const { recent } = this.#appender.known;
    const before = recent.position;
    try {
      return this.#sessionReserve.append(batch.image.length, () => this.#appender.append(batch, writer));
    } catch (error) {
      throw error instanceof IndexDamagedError ? error : writeError(this.name, error);
    } finally {
      this.#commits.noteAdded(recent.position - before);
    }
  }

  get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    return this.#reads.get(hashcode, options);
  }

  // From now on, adding the Block stores it again, and PUT does not rely on it without a check.
  #noteDamage(digest: Uint8Array, location: Location): void {
    if (location.isDamaged === true || !this.#appender.known.noteDamage(digest)) return;
    if (!this.isWritable) return;
    this.#commits.noteDamage(digest, location);
    this.#index.dropCache();
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    this.#enter();
    if (!this.#index.isReady) await this.#index.ready(options.signal);
    try {
      return this.#hasNow(hashcodes);
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      await this.#reads.rebuildIndex(error, options);
      return this.#hasNow(hashcodes);
    }
  }

  #hasNow(hashcodes: readonly HashCode[]): boolean[] {
    this.#index.refresh();
    const { known } = this.#appender;
    known.begin();
    return hashcodes.map(({ hashName, digest }) => hashName === this.hashName && known.has(digest, 0, this.#hash.digestSize));
  }

  /**
   * The locations of Blocks. Before the first add, get or has of a session, Blocks that other sessions have not indexed are not found. Use
   * `get` for Blocks that are not found.
   *
   * If spans are given, not every Block is looked up: see {@link locateRuns}.
   */
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    return this.#reads.locate(digests, spans);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#commits.flush();
  }

  counts(): AddCounts {
    return this.#appender.tally.counts();
  }

  /** How many Blocks each transaction of the index had in this session. */
  indexBatching(): IndexBatching {
    return this.#commits.batching();
  }

  async *hashcodes(options: OpOptions & { readonly after?: Uint8Array | undefined } = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    await this.#index.ready(options.signal);
    if (this.isWritable) await this.#commits.flush();
    let { after } = options;
    for (;;) {
      this.#check('list', options);
      this.#index.refresh();
      const digests = this.#index.digests(after, ENUMERATE_STEP);
      for (const digest of digests) yield { hashName: this.hashName, digest };
      after = digests.at(-1);
      if (after === undefined) return;
    }
  }

  #cacheGet(key: Uint8Array): Uint8Array | undefined {
    if (this.#closed) throw new ClosedError('look into the cache of', this.name);
    this.#enter();
    return this.#index.openNow() ? this.#index.cacheGet(key) : undefined;
  }

  // Registers the session as a writer. From now on gc must not drop Blocks that it relies on. Index results from before are invalid.
  #enter(): void {
    if (this.#presence === undefined || this.#presence.name !== undefined) return;
    try {
      const presence = this.#presence;
      this.#sessionReserve.use(() => presence.enter());
    } catch (error) {
      throw writeError(this.name, error);
    }
    this.#index.refresh();
  }

  get durability(): Durability {
    return this.#durability();
  }

  /** The internals for fsck, scrub, repair and gc. */
  internals(): DatadirInternals {
    return {
      path: this.path,
      hash: this.#hash,
      index: this.#index,
      readers: this.#readers,
      layOut: this.#layOut,
      names: this.#names,
      hasDigests: this.#hasDigests,
      ownWriter: this.#presence?.name,
      storeId: this.#storeId,
      reserve: this.#reserve,
    };
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  /** Flushes, and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#commits.flush();
    } finally {
      this.#commits.stop();
      this.#writer?.close();
      this.#readers.close();
      this.#names[Symbol.dispose]();
      await this.#index.close();
      this.#presence?.leave();
    }
  }
}
