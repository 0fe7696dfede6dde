import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ClosedError, ReadOnlyError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { addOne } from '../store/add-one.ts';
import { AddTally } from '../store/add-tally.ts';
import type { AddCounts, LocalCache } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { checkBlocks, checkDigests } from '../store/check-blocks.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { AddResult, Store } from '../store/store.ts';
import { ALL_ARCHIVES, archiveOfFolder } from './archive-keys.ts';
import type { BucketFormat } from './bucket-format.ts';
import { makeBucketFormat } from './bucket-format.ts';
import { listFolders } from './list-objects.ts';
import { OpenBucket } from './open-bucket.ts';
import { PACK_SIZE } from './pack-builder.ts';
import type { PackKind } from './pack-names.ts';
import { S3Archive } from './s3-archive.ts';
import type { S3Client } from './s3-client.ts';

/** The parts of {@link S3Store}. */
export interface S3StoreParts {
  readonly client: S3Client;
  /** The Store's format; for a Store that does not exist yet, the format that it will have. */
  readonly format: BucketFormat;
  readonly isMade: boolean;
  readonly isReadOnly: boolean;
  /** The folder of this machine's caches for Stores in buckets. */
  readonly cachePath: string;
  readonly clock: () => Date;
}

/**
 * A Store in a bucket of an S3 service. Blocks are in packs of some 20 MiB, or each in its own object. The index is in segments, and an
 * archive entry is an object. Several sessions on several machines may add concurrently. Correctness does not depend on conditional
 * requests, which some services lack.
 *
 * @see docs/design/s3.md
 */
export class S3Store implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly compression: StoredCompression;
  readonly checksRecords = false;
  readonly #parts: S3StoreParts;
  readonly #hash: HashFunction;
  readonly #tally = new AddTally();
  #format: BucketFormat;
  #isMade: boolean;
  #making: Promise<OpenBucket> | undefined;
  #bucket: OpenBucket | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #cachePuts: (readonly [Uint8Array, Uint8Array])[] = [];
  #isClosed = false;

  constructor(parts: S3StoreParts) {
    const { client, format, isMade, isReadOnly } = parts;
    this.#parts = parts;
    this.#format = format;
    this.#isMade = isMade;
    this.name = client.name;
    this.hashName = format.hashName;
    this.edges = format.edges;
    this.compression = format.compression;
    this.#hash = hashByName(format.hashName);
    const cache: LocalCache = {
      get: (key) => {
        if (this.#isClosed) throw new ClosedError('look into the cache of', this.name);
        return this.#bucketNow()?.local.cacheGet(key);
      },
      put: (key, value) => void this.#cachePuts.push([Uint8Array.from(key), Uint8Array.from(value)]),
    };
    this.offers = {
      access: { write: !isReadOnly },
      archives: {
        open: (name, options) => this.#archive(name, options.readOnly),
        list: async () => (await listFolders(client, ALL_ARCHIVES)).flatMap((folder) => archiveOfFolder(folder) ?? []).sort(),
      },
      cache,
      costs: { costs: () => client.costs(), putsFor: (bytes) => putsFor(bytes, this.#format) },
      counts: this,
      enumeration: this,
      folders: [parts.cachePath],
      making: this,
      recordSink: this,
      recordSource: this,
    };
  }

  get isMade(): boolean {
    return this.#isMade;
  }

  async make(options: OpOptions = {}): Promise<void> {
    if (this.#isMade) return;
    await this.#opened(options);
  }

  /** The components that maintenance uses. */
  async internals(
    options: OpOptions = {},
  ): Promise<{ readonly client: S3Client; readonly hash: HashFunction; readonly bucket: OpenBucket }> {
    return { client: this.#parts.client, hash: this.#hash, bucket: await this.#opened(options) };
  }

  get isWritable(): boolean {
    return !this.#parts.isReadOnly;
  }

  /** Opens the components of the Store with its cache on this machine; undefined if the Store does not exist. */
  #bucketNow(): OpenBucket | undefined {
    if (!this.#isMade) return undefined;
    this.#bucket ??= new OpenBucket({
      client: this.#parts.client,
      hash: this.#hash,
      storeId: this.#format.storeId,
      layout: this.#format.layout,
      folder: join(this.#parts.cachePath, this.#format.storeId),
      clock: this.#parts.clock,
      tally: this.#tally,
      compression: this.compression,
      isWritable: this.isWritable,
    });
    return this.#bucket;
  }

  /** The same, but creates the Store if it does not exist. */
  async #opened(options: OpOptions): Promise<OpenBucket> {
    const there = this.#bucketNow();
    if (there !== undefined) return there;
    this.#making ??= this.#make(options).finally(() => {
      this.#making = undefined;
    });
    return await this.#making;
  }

  async #make(options: OpOptions): Promise<OpenBucket> {
    if (this.#parts.isReadOnly) throw new ReadOnlyError('make Store', this.name);
    const format = await makeBucketFormat(this.#parts.client, { ...this.#format, storeId: randomUUID() }, options);
    if (format.hashName !== this.hashName || format.layout !== this.#format.layout)
      throw new ReadOnlyError('add to', this.name, {
        remedy: 'another session has just made it with another hash function or layout; run the command again',
      });
    this.#format = format;
    this.#isMade = true;
    return this.#bucketNow() as OpenBucket;
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#checkWrite(options);
    checkBlocks(blocks, this.#hash, this.name);
    const batch = { ...packRecords(blocks, this.#hash, this.compression), isOwned: true } as const;
    return Array.from(await this.#add('m', batch, options), Boolean);
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#checkWrite(options);
    checkDigests(batch.digests, this.#hash, this.name);
    return await this.#add(batch.isListing === true ? 'm' : 'd', batch, options);
  }

  async #add(kind: PackKind, batch: RecordBatch, options: OpOptions): Promise<Uint8Array> {
    let bucket = this.#bucketNow();
    let mine = batch;
    if (bucket?.isReady !== true) {
      // The caller may reuse its memory.
      if (batch.isOwned !== true) mine = { ...batch, image: Uint8Array.from(batch.image), digests: Uint8Array.from(batch.digests) };
      bucket = await this.#opened(options);
      await bucket.ready(options);
      this.#check('add to', options);
    }
    const isNew = bucket.adds.add(kind, mine);
    await bucket.adds.room();
    return isNew;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    return await this.#bucketNow()?.reads.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const bucket = this.#bucketNow();
    await bucket?.ready(options);
    return hashcodes.map(({ hashName, digest }) => hashName === this.hashName && bucket?.adds.has(digest) === true);
  }

  async *records(digests: Uint8Array, spans?: ArrayLike<number>, options: OpOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    this.#check('get from', options);
    const bucket = this.#bucketNow();
    if (bucket !== undefined) yield* bucket.reads.records(digests, spans, options);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#flush(options);
  }

  /** @param options - `again`: check for Blocks that gc retired, even if that was just done */
  async #flush(options: OpOptions & { readonly again?: boolean }): Promise<void> {
    const flushing = this.#flushing.then(async () => {
      const bucket = this.#bucketNow();
      if (bucket === undefined) return;
      const puts = this.#cachePuts;
      if (bucket.isReady) await bucket.adds.flush(options);
      if (puts.length === 0) return;
      this.#cachePuts = this.#cachePuts.slice(puts.length);
      await bucket.local.keep(puts);
    });
    this.#flushing = flushing.catch(() => undefined);
    await flushing;
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  async *hashcodes(options: OpOptions & { readonly after?: Uint8Array | undefined } = {}): AsyncGenerator<HashCode, void, undefined> {
    this.#check('list', options);
    const bucket = this.#bucketNow();
    if (bucket === undefined) return;
    await bucket.ready(options);
    if (this.isWritable) await this.#flush(options);
    let { after } = options;
    for (;;) {
      this.#check('list', options);
      const { digests, last } = bucket.local.digests(after);
      for (const digest of digests) yield { hashName: this.hashName, digest };
      if (last === undefined) return;
      after = last;
    }
  }

  #archive(name: string, readOnly: boolean): S3Archive {
    const encoder = (text: string): Buffer => Buffer.from(text, 'latin1');
    return new S3Archive(name, {
      client: this.#parts.client,
      isReadOnly: readOnly || this.#parts.isReadOnly,
      cache: {
        get: (key) => {
          const found = this.#bucketNow()?.local.cacheGet(encoder(key));
          return found === undefined ? undefined : Buffer.from(found).toString('latin1');
        },
        put: async (lines) => void (await this.#bucketNow()?.local.keep(lines.map(([key, line]) => [encoder(key), encoder(line)]))),
      },
      confirm: async (options) => await this.#flush({ ...options, again: true }),
      make: async (options) => await this.make(options),
    });
  }

  #check(action: string, options: OpOptions): void {
    if (this.#isClosed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  #checkWrite(options: OpOptions): void {
    this.#check('add to', options);
    if (this.#parts.isReadOnly) throw new ReadOnlyError('add to', this.name);
  }

  /** Flushes, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#flush({});
    } finally {
      await this.#bucket?.close();
      this.#parts.client.close();
    }
  }
}

/** The number of PUTs for octets of new data: packs of both kinds or single Blocks, index segments, and an archive entry. */
function putsFor(bytes: number, { layout, edges }: BucketFormat): number {
  return bytes === 0 ? 1 : Math.ceil(bytes / (layout === 'blocks' ? edges.meanSize : PACK_SIZE)) + 4;
}
