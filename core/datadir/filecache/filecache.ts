import { performance } from 'node:perf_hooks';
import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { makeStoreFolder, PRIVATE_ACCESS } from '../../base/system/store-files.ts';
import { errorCode, errorReason } from '../../base/system/system-error.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../../block/edge-settings.ts';
import type { HashFunction, HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { hashcodeLabel } from '../../block/hashcode.ts';
import { addOne } from '../../store/add-one.ts';
import { AddTally } from '../../store/add-tally.ts';
import type { BlockLocation } from '../../store/block-location.ts';
import type { AddCounts } from '../../store/capabilities.ts';
import type { Offers } from '../../store/capability.ts';
import { checkBlocks, checkDigests } from '../../store/check-blocks.ts';
import { codecByNumber, DATAFILE_HEADER_SIZE, encodeDatafileHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { packRecords } from '../../store/records/record-batch.ts';
import { layOutPlainly } from '../../store/records/record-layout.ts';
import type { AddResult, Store } from '../../store/store.ts';
import { appendFooter } from '../datafiles/datafile-footer.ts';
import { DatafileReaders } from '../datafiles/datafile-readers.ts';
import { DatafileWriter } from '../datafiles/datafile-writer.ts';
import { locateRuns } from '../datafiles/locate-runs.ts';
import { readLocatedBlock } from '../datafiles/located-block.ts';
import type { Location } from '../index/index-types.ts';
import type { CacheFile } from './filecache-files.ts';
import { CacheFiles, FILECACHE_ID, newCacheFileName } from './filecache-files.ts';

/** Least time between two looks at what other processes did, after a Block was not found: milliseconds. */
const LOOK_AGAIN_MS = 500;
/** Blocks of a file that is worth an index: fewer are found as fast by a walk. */
const LEAST_PLACES = 256;
/** Bytes of an index for each Block, at most: a digest of 64 and where it is. */
const MOST_OCTETS_A_PLACE = 96;

export interface FilecacheOptions {
  readonly folder: string;
  readonly name: string;
  readonly hashName: HashName;
  /** Most bytes of all files together. */
  readonly maxBytes: number;
  /** Files that the cache is spread over: the smaller they are, the less is dropped at a time. */
  readonly files: number;
  readonly readOnly: boolean;
  readonly clock?: () => Date;
  readonly monotonicMs?: () => number;
}

/**
 * A cache of Blocks in flat files in one folder. It keeps to its size: when it is full the oldest file goes, with all
 * the Blocks in it. The files are `.vtd` files, which tell by themselves what is in them, so that nothing else needs to
 * be written, and any process may end at any time.
 */
export class Filecache implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #hash: HashFunction;
  readonly #options: FilecacheOptions;
  readonly #files: CacheFiles;
  readonly #readers: DatafileReaders;
  readonly #tally = new AddTally();
  #writer: DatafileWriter | undefined;
  #current: CacheFile | undefined;
  #readying: Promise<void> | undefined;
  #isReady = false;
  #lastNs = 0n;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Files that are full, and not durable yet. */
  #ended: DatafileWriter[] = [];
  #closed = false;

  constructor(options: FilecacheOptions) {
    this.#options = options;
    this.name = options.name;
    this.hashName = options.hashName;
    this.offers = {
      access: { write: !options.readOnly, drops: true },
      counts: this,
      enumeration: this,
      folders: [options.folder],
      location: this,
      recordSink: { compression: 'none', checksRecords: false, addRecords: async (batch, given) => await this.addRecords(batch, given) },
    };
    this.#hash = hashByName(this.hashName);
    this.#files = new CacheFiles(options.folder, this.#hash);
    this.#readers = new DatafileReaders(options.folder);
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    checkBlocks(blocks, this.#hash, this.name);
    return Array.from(await this.addRecords(packRecords(blocks, this.#hash, 'none'), options), Boolean);
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#check('add to', options);
    if (this.#options.readOnly) throw new ReadOnlyError('add to', this.name);
    checkDigests(batch.digests, this.#hash, this.name);
    let mine = batch;
    if (!this.#isReady) {
      // The caller may use its memory again as soon as it gets control.
      mine = { ...batch, digests: Uint8Array.from(batch.digests), image: Uint8Array.from(batch.image) };
      await this.#ready();
      this.#check('add to', options);
    }
    return this.#add(mine);
  }

  #add(batch: RecordBatch): Uint8Array {
    const { digestSize } = this.#hash;
    const headSize = RECORD_FIXED_SIZE + digestSize;
    const isNew = new Uint8Array(batch.count);
    // What goes into one file: a batch may be larger than that.
    let part = new Map<string, number>();
    let partSize = 0;
    const end = (): void => {
      if (part.size > 0) this.#append(batch, [...part.entries()], partSize);
      part = new Map();
      partSize = 0;
    };
    for (let i = 0; i < batch.count; i++) {
      const digest = batch.digests.subarray(i * digestSize, (i + 1) * digestSize);
      const key = digestKey(digest);
      const size = batch.sizes[i] as number;
      if (part.has(key) || this.#files.get(digest, key) !== undefined) {
        this.#tally.addExisting(size);
        continue;
      }
      const recordSize = headSize + (batch.storedSizes[i] as number);
      this.#checkFits(size, recordSize);
      if (partSize + recordSize > this.#options.maxBytes / this.#options.files) end();
      part.set(key, i);
      partSize += recordSize;
      isNew[i] = 1;
      this.#tally.addNew(size, recordSize);
    }
    end();
    return isNew;
  }

  #checkFits(size: number, recordSize: number): void {
    if (recordSize + DATAFILE_HEADER_SIZE <= this.#options.maxBytes) return;
    throw new VtError('EFAILED', `add to Store "${this.name}": a Block of ${size} bytes exceeds its maxsize`, {
      remedy: 'give it a larger maxsize',
    });
  }

  /** Appends some Blocks of a batch to one file. @param part - their digests as keys, and which they are */
  #append(batch: RecordBatch, part: readonly (readonly [key: string, row: number])[], size: number): void {
    const chosen = new Uint8Array(batch.count);
    for (const [, row] of part) chosen[row] = 1;
    const { writer, file } = this.#makeRoom(size);
    const layout = layOutPlainly(batch, chosen);
    const start = this.#write(writer, layout.pieces);
    writer.place(batch, layout, start);
    for (const [k, [key, row]] of part.entries()) {
      this.#files.put(file, key, {
        file: file.name,
        offset: start + (layout.offsets[k] as number),
        storedSize: layout.storedSizes[k] as number,
        size: batch.sizes[row] as number,
        codec: codecByNumber(layout.codecs[k] as number),
      });
    }
    file.size = writer.size;
    file.scannedTo = writer.size;
    file.scannedSize = writer.size;
  }

  #write(writer: DatafileWriter, pieces: readonly Uint8Array[]): number {
    try {
      return writer.append(pieces);
    } catch (error) {
      // Its tail may be torn: the next add begins another file.
      this.#endFile();
      throw new VtError('EFAILED', `write to Store "${this.name}": ${errorReason(error)}`, {
        cause: error,
        remedy: 'free space, or give the cache a smaller maxsize',
      });
    }
  }

  /** The file to write to, with what is oldest dropped so that there is room. */
  #makeRoom(recordSize: number): { readonly writer: DatafileWriter; readonly file: CacheFile } {
    const { maxBytes, files } = this.#options;
    if (this.#writer !== undefined && this.#writer.size > DATAFILE_HEADER_SIZE && this.#writer.size + recordSize > maxBytes / files)
      this.#endFile();
    const { writer, file } = this.#file();
    while (this.#files.size + recordSize > maxBytes) {
      const dropped = this.#files.dropOldest(
        writer.name,
        this.#ended.map((one) => one.name),
      );
      if (dropped === undefined) break;
      for (const one of this.#ended) if (one.name === dropped) one.close();
      this.#ended = this.#ended.filter((one) => one.name !== dropped);
      // Its descriptor stays open no longer than the read that is in progress, which is synchronous.
      this.#readers.forget(dropped);
    }
    return { writer, file };
  }

  #file(): { readonly writer: DatafileWriter; readonly file: CacheFile } {
    if (this.#writer !== undefined && this.#current !== undefined) return { writer: this.#writer, file: this.#current };
    const name = newCacheFileName();
    const nowNs = BigInt((this.#options.clock?.() ?? new Date()).getTime()) * 1_000_000n;
    // Several of one millisecond keep their order.
    const createdNs = nowNs > this.#lastNs ? nowNs : this.#lastNs + 1n;
    this.#lastNs = createdNs;
    const header = { hashName: this.hashName, storeId: FILECACHE_ID, fileId: name.slice(0, 36), createdNs };
    try {
      makeStoreFolder(this.#options.folder, PRIVATE_ACCESS);
      this.#files.survey(undefined);
      this.#writer = DatafileWriter.create(this.#options.folder, name, encodeDatafileHeader(header), PRIVATE_ACCESS);
    } catch (error) {
      throw new VtError('EFAILED', `write to Store "${this.name}": ${errorReason(error)}`, { cause: error });
    }
    this.#current = this.#files.add(name, createdNs, this.#writer.size);
    return { writer: this.#writer, file: this.#current };
  }

  #endFile(): void {
    if (this.#writer !== undefined) this.#ended.push(this.#writer);
    this.#writer = undefined;
    this.#current = undefined;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    await this.#ready();
    const key = digestKey(hashcode.digest);
    const location = this.#files.get(hashcode.digest, key) ?? (await this.#lookAgain(hashcode.digest));
    this.#check('get from', options);
    if (location === undefined) return undefined;
    const found = readLocatedBlock(this.#readers, location, hashcode.digest, this.#hash);
    if (found.kind === 'block') return found.data;
    this.#files.forgetBlock(key);
    // Another process has dropped the file: a cache may.
    if (found.kind === 'gone') {
      this.#readers.forget(location.file);
      return undefined;
    }
    throw new CorruptBlockError(hashcodeLabel(hashcode), this.#readers.path(location.file), `${found.reason}, at byte ${location.offset}`, {
      remedy: 'read it through the proxy: the cache then stores it again',
    });
  }

  async #lookAgain(digest: Uint8Array): Promise<Location | undefined> {
    const now = (this.#options.monotonicMs ?? (() => performance.now()))();
    if (now - this.#lookedMs < LOOK_AGAIN_MS) return undefined;
    this.#lookedMs = now;
    await this.#refresh();
    return this.#files.get(digest);
  }

  async #ready(): Promise<void> {
    if (this.#isReady) return;
    this.#readying ??= this.#refresh().then(
      () => {
        this.#isReady = true;
      },
      (error: unknown) => {
        // The next request tries again.
        this.#readying = undefined;
        throw error;
      },
    );
    await this.#readying;
  }

  async #refresh(): Promise<void> {
    try {
      await this.#files.refresh(this.#writer?.name);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw new VtError('EFAILED', `read Store "${this.name}": ${errorReason(error)}`, { cause: error });
    }
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    await this.#ready();
    return hashcodes.map(({ hashName, digest }) => hashName === this.hashName && this.#files.get(digest) !== undefined);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#sync();
  }

  async #sync(): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    try {
      for (const writer of ended) {
        await this.#addFooter(writer);
        await writer.sync();
        writer.close();
      }
      await this.#writer?.sync();
    } catch (error) {
      throw new VtError('EFAILED', `write to Store "${this.name}": ${errorReason(error)}`, { cause: error });
    }
  }

  /** A finished file ends in its index, if there is room: opening the cache then need not scan the file. */
  async #addFooter(writer: DatafileWriter): Promise<void> {
    const { folder, maxBytes } = this.#options;
    const count = writer.places?.count ?? 0;
    if (count < LEAST_PLACES || this.#files.size + count * MOST_OCTETS_A_PLACE > maxBytes) return;
    try {
      await appendFooter(folder, writer, this.#hash);
    } catch {
      // What is whole of the file counts as before.
    }
    this.#files.grew(writer.name, writer.size);
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    const locate = (digest: Uint8Array): BlockLocation | undefined => {
      const found = this.#files.get(digest);
      if (found === undefined || found.codec === 'unknown') return undefined;
      const { file, offset, storedSize, size, codec } = found;
      return { file: this.#readers.path(file), offset, storedSize, size, codec };
    };
    return spans === undefined ? digests.map(locate) : locateRuns(digests, spans, RECORD_FIXED_SIZE + this.#hash.digestSize, locate);
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    await this.#ready();
    await this.#refresh();
    for (const key of [...this.#files.keys()].sort()) {
      this.#check('list', options);
      yield { hashName: this.hashName, digest: digestOfKey(key) };
    }
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  /** Makes what it holds durable, and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#readying?.catch(() => undefined);
      this.#endFile();
      await this.#sync();
    } finally {
      this.#writer?.close();
      this.#readers.close();
    }
  }
}
