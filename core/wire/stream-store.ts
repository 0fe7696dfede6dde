import { copyOctets } from '../base/copy-octets.ts';
import { LostAddsError, ParseError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { addOne } from '../store/add-one.ts';
import { AddTally } from '../store/add-tally.ts';
import type { AddCounts, StoreNotes, Traffic } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { writeRemedy } from '../store/capability.ts';
import { checkBlocks } from '../store/check-blocks.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { AddResult, Store } from '../store/store.ts';
import type { StoreDescription } from './hello.ts';
import { MAX_BATCH_COUNT, MAX_OUTSTANDING_SIZE, MAX_PACKET_SIZE } from './limits.ts';
import { decodeBits, decodeFields, decodeHashcodes, encodeFields, encodeRange, type Json, rangeFlags } from './payload.ts';
import type { Response } from './read-response.ts';
import { encodeWanted, RECORDS_FLAG } from './record-requests.ts';
import { REQUEST } from './requests.ts';
import { ServedImports } from './served-imports.ts';
import { StreamArchive, streamArchiveNames } from './stream-archive.ts';
import type { StreamClient } from './stream-client.ts';
import { StreamGets } from './stream-gets.ts';
import { streamRecords } from './stream-records.ts';
import { UnflushedDigests } from './unflushed-digests.ts';

/** Approximate octets of Blocks in one packet. */
const BATCH_SIZE = 1024 * 1024;
/** After this many added Blocks without a flush, the next add flushes first. */
const MAX_UNFLUSHED = 262_144;
/** Hashcodes requested at a time for a list. */
const LIST_STEP = 8192;

/** Options of a client of a served Store. */
export interface StreamStoreOptions {
  readonly isReadOnly?: boolean | undefined;
  /** Whether to offer the tree of a mount, if the server serves one. */
  readonly takesMount?: boolean | undefined;
  /** The folder that records which local files were put into served Stores. */
  readonly importsFolder?: string | undefined;
}

/** A client of a served Store, over the packet protocol. @see vt(7), "PACKET PROTOCOL" */
export class StreamStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly compression: StoredCompression;
  readonly checksRecords = true;
  readonly notes: StoreNotes;
  /** Names of the named Stores on the server. */
  readonly exports: readonly string[];
  readonly #client: StreamClient;
  readonly #isReadOnly: boolean;
  readonly #hash: HashFunction;
  readonly #gets: StreamGets;
  readonly #tally = new AddTally();
  readonly #unflushed: UnflushedDigests;
  readonly #imports: ServedImports | undefined;
  /** Why added Blocks may be missing; undefined if none may be. */
  #lost: LostAddsError | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(
    client: StreamClient,
    description: StoreDescription,
    { isReadOnly = false, takesMount = false, importsFolder }: StreamStoreOptions = {},
  ) {
    const { hashName, edges, compression, durability, can, exports, lacks, mount } = description;
    this.#client = client;
    this.name = client.name;
    this.hashName = hashName;
    this.edges = edges;
    this.#isReadOnly = isReadOnly || !can.write;
    this.compression = compression ?? 'none';
    this.exports = exports;
    this.#hash = hashByName(hashName);
    this.#unflushed = new UnflushedDigests(this.#hash.digestSize);
    const count = (octets: number): void => {
      this.#receivedBytes += octets;
    };
    this.notes = {
      has: async (note, options) => await this.#noteRequest(REQUEST.hasNote, note, options),
      add: async (note, options) => void (await this.#noteRequest(REQUEST.addNote, note, options)),
    };
    if (importsFolder !== undefined && can.notes && !this.#isReadOnly)
      this.#imports = new ServedImports({ folder: importsFolder, storeName: this.name, hashName }, this.notes, () => client.instance);
    this.#gets = new StreamGets(client, this.#hash, count);
    this.offers = {
      access: { write: !this.#isReadOnly, ...(lacks === undefined ? {} : { remedy: `ask for more rights: ${lacks}` }) },
      archives: can.archives
        ? {
            open: (archive) => new StreamArchive(client, archive),
            list: async (options = {}) => await streamArchiveNames(client, options),
          }
        : undefined,
      counts: this,
      durability: durability === undefined ? undefined : { durability },
      enumeration: can.enumerate ? { hashcodes: (options) => this.#list(options) } : undefined,
      imports: this.#imports,
      link: this,
      mount:
        mount !== undefined && takesMount
          ? { about: mount, ask: async (request, options = {}) => await this.#control(request, options) }
          : undefined,
      notes: this.notes,
      recordSink: this,
      recordSource: this,
    };
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#checkWrite(options);
    checkBlocks(blocks, this.#hash, this.name);
    const batches: RecordBatch[] = [];
    for (let start = 0; start < blocks.length; ) {
      let end = start;
      for (let size = 0; end < blocks.length && end - start < MAX_BATCH_COUNT; end++) {
        size += (blocks[end] as DigestedBlock).data.length + RECORD_FIXED_SIZE;
        if (end > start && size > BATCH_SIZE) break;
      }
      batches.push({ ...packRecords(blocks.slice(start, end), this.#hash, this.compression), isOwned: true });
      start = end;
    }
    const results = await Promise.all(batches.map(async (batch) => await this.#addRecords(batch, options)));
    return results.flatMap((isNew) => Array.from(isNew, Boolean));
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#checkWrite(options);
    if (batch.isOwned === true && !(batch.image.buffer instanceof SharedArrayBuffer)) return await this.#addRecords(batch, options);
    const image = Buffer.allocUnsafeSlow(batch.image.length);
    copyOctets(image, 0, batch.image);
    return await this.#addRecords({ ...batch, image }, options);
  }

  async #addRecords(batch: RecordBatch, options: OpOptions): Promise<Uint8Array> {
    const { count, digests, sizes, storedSizes, image } = batch;
    if (count === 0) return new Uint8Array(0);
    if (this.#unflushed.count > MAX_UNFLUSHED) await this.#flush(options);
    if (image.length > MAX_PACKET_SIZE - 16) throw new RangeError(`add records: ${image.length} bytes in one batch`);
    this.#sentBytes += image.length;
    const { payload } = await this.#client.add(REQUEST.addRecords, { payload: [image] }, options.signal);
    this.#unflushed.add(digests);
    const isNew = decodeBits(payload, count);
    for (let i = 0; i < count; i++) {
      if (isNew[i] === 0) this.#tally.addExisting(sizes[i] as number);
      else this.#tally.addNew(sizes[i] as number, (storedSizes[i] as number) + RECORD_FIXED_SIZE + this.#hash.digestSize);
    }
    return isNew;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    return await this.#gets.get(hashcode.digest, options.signal);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const found = new Array<boolean>(hashcodes.length).fill(false);
    const asked: number[] = [];
    for (const [i, { hashName }] of hashcodes.entries()) if (hashName === this.hashName) asked.push(i);
    const answers: Promise<void>[] = [];
    for (let start = 0; start < asked.length; start += MAX_BATCH_COUNT) {
      const part = asked.slice(start, start + MAX_BATCH_COUNT);
      const digests = Buffer.concat(part.map((i) => (hashcodes[i] as HashCode).digest));
      answers.push(
        this.#client.request(REQUEST.has, { payload: [digests] }, options.signal).then(({ payload }) => {
          for (const [k, bit] of decodeBits(payload, part.length).entries()) found[part[k] as number] = bit === 1;
        }),
      );
    }
    await Promise.all(answers);
    return found;
  }

  async *records(digests: Uint8Array, spans?: ArrayLike<number>, options: OpOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    this.#check('get from', options);
    const ask = async (wanted: Uint8Array, count: number, sizes: ArrayLike<number> | undefined): Promise<Response> => {
      const flags = sizes === undefined ? 0 : RECORDS_FLAG.spans;
      const response = await this.#client.request(REQUEST.records, { flags, payload: encodeWanted(wanted, count, sizes) }, options.signal);
      this.#receivedBytes += response.payload.length;
      return response;
    };
    yield* streamRecords(ask, this.#hash, digests, spans, MAX_OUTSTANDING_SIZE / BATCH_SIZE);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    if (this.#imports === undefined) await this.#flush(options);
    else await this.#imports.flushWith(async () => await this.#flush(options), options);
  }

  async #flush(options: OpOptions): Promise<void> {
    await this.#requireAdds(options);
    const parts = this.#unflushed.take();
    try {
      await this.#client.flush(options.signal);
      return;
    } catch (error) {
      this.#unflushed.giveBack(parts);
      if (!(error instanceof LostAddsError)) throw error;
      // Another process serves the Store now. It may still have the Blocks that its predecessor received.
      this.#lost = error;
    }
    await this.#requireAdds(options);
    await this.#flush(options);
  }

  /** Checks the Blocks that were added to a server process that has ended. @throws {LostAddsError} until all are there again */
  async #requireAdds(options: OpOptions): Promise<void> {
    if (this.#lost === undefined) return;
    const found = await this.has(
      this.#unflushed.list().map((digest) => ({ hashName: this.hashName, digest })),
      options,
    );
    if (!found.every(Boolean)) throw this.#lost;
    this.#lost = undefined;
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  async latency(options: OpOptions = {}): Promise<number> {
    this.#check('ask', options);
    const start = performance.now();
    await this.#client.request(REQUEST.ping, {}, options.signal);
    return performance.now() - start;
  }

  async #noteRequest(request: number, note: Uint8Array, options: OpOptions = {}): Promise<boolean> {
    this.#check('ask', options);
    try {
      return (await this.#client.request(request, { payload: [note] }, options.signal)).yes;
    } catch (error) {
      // The server does not know notes.
      if (error instanceof VtError && error.code === 'EUNSUPPORTED') return false;
      throw error;
    }
  }

  async #control(request: Json, options: OpOptions): Promise<Json> {
    this.#check('ask', options);
    return decodeFields((await this.#client.request(REQUEST.control, { payload: [encodeFields(request)] }, options.signal)).payload);
  }

  traffic(): Traffic {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  async *#list(options: OpOptions & { readonly after?: Uint8Array | undefined } = {}): AsyncIterable<HashCode> {
    const { hashName } = this;
    for (let { after } = options; ; ) {
      this.#check('list', options);
      const start = after === undefined ? {} : { start: { hashName, digest: after } };
      const range = { hashName, ...start, isAfter: after !== undefined, length: LIST_STEP };
      const body = { flags: rangeFlags(range), payload: [encodeRange(range)] };
      const found = decodeHashcodes((await this.#client.request(REQUEST.hashcodes, body, options.signal)).payload);
      for (const hashcode of found) {
        if (after !== undefined && Buffer.compare(hashcode.digest, after) <= 0) throw new ParseError('list Blocks: they do not ascend', 0);
        after = hashcode.digest;
        yield hashcode;
      }
      if (found.length === 0) return;
    }
  }

  #check(action: string, options: OpOptions): void {
    this.#client.check(action);
    throwIfCancelled(options.signal);
  }

  #checkWrite(options: OpOptions): void {
    this.#check('add to', options);
    if (!this.#isReadOnly) return;
    throw new ReadOnlyError('add to', this.name, writeRemedy(this));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    this.#imports?.close();
  }
}
