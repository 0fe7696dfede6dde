import { join } from 'node:path';
import { openArchiveFile } from '../archive/archive-file.ts';
import { archiveNames } from '../archive/archive-names.ts';
import { ClosedError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { StoreAccess } from '../base/system/store-files.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { LocalCache, RecordSink } from '../store/capabilities.ts';
import { capability, type Offers } from '../store/capability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { unpackRecords } from '../store/records/record-batch.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { AddResult, Store } from '../store/store.ts';
import { isDatadir } from './datadir-recovery.ts';

/** A Store that does not exist yet. It is made when the first Block is added. Until then nothing is written to the disk. */
export class AbsentStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly #folder: string;
  readonly #offersBefore: Offers;
  readonly checksRecords = false;
  readonly #make: () => Promise<Store>;
  readonly #compression: StoredCompression;
  #made: Promise<Store> | undefined;
  #store: Store | undefined;
  #isClosed = false;

  /**
   * @param folder - the folder of the Store
   * @param making - `make` makes and opens it, at the first add; `access` has the modes of files made before
   * @param compression - the compression of the Store, so that records made before it exists are compressed already
   */
  constructor(
    folder: string,
    hashName: HashName,
    edges: EdgeSettings,
    { make, access }: { readonly make: () => Promise<Store>; readonly access: StoreAccess },
    compression: StoredCompression = 'none',
  ) {
    this.name = `datadir:${folder}`;
    this.#folder = folder;
    this.hashName = hashName;
    this.edges = edges;
    this.#make = make;
    this.#compression = compression;
    this.#offersBefore = {
      // A datadir has its archives there, whether it exists or not.
      archives: {
        open: (archive, options) => openArchiveFile(join(folder, 'archives', `${archive}.vt`), { ...options, access }),
        list: async () => await archiveNames(folder),
      },
      cache: {
        get: (key) => this.#cache?.get(key),
        put: (key, value) => this.#cache?.put(key, value),
      },
      enumeration: this,
      folders: [folder],
      location: this,
      making: this,
      recordSink: this,
      recordSource: this,
    };
  }

  get offers(): Offers {
    return this.#store === undefined ? this.#offersBefore : { making: this };
  }

  /** The Store, once it exists. */
  get wraps(): Store | undefined {
    return this.#store;
  }

  get isMade(): boolean {
    return this.#store !== undefined;
  }

  get #cache(): LocalCache | undefined {
    return this.#store === undefined ? undefined : capability(this.#store, 'cache');
  }

  get #sink(): RecordSink | undefined {
    return this.#store === undefined ? undefined : capability(this.#store, 'recordSink');
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    if (this.#store !== undefined) return await this.#store.add(data, options);
    const kept = data.slice();
    return await (await this.#open()).add(kept, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    if (this.#store !== undefined) return await this.#store.addBatch(blocks, options);
    const kept = blocks.map((block) => ({ ...block, digest: block.digest.slice(), data: block.data.slice() }));
    return await (await this.#open()).addBatch(kept, options);
  }

  async addRecords(batch: RecordBatch, options?: OpOptions): Promise<Uint8Array> {
    const kept = this.#store === undefined ? { ...batch, image: batch.image.slice() } : batch;
    const store = this.#store ?? (await this.#open());
    const sink = capability(store, 'recordSink');
    if (sink !== undefined) return await sink.addRecords(kept, options);
    const isNew = await store.addBatch(unpackRecords(kept, hashByName(this.hashName).digestSize), options);
    return Uint8Array.from(isNew, Number);
  }

  get compression(): StoredCompression {
    return this.#sink?.compression ?? this.#compression;
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await (this.#store ?? (await this.#madeByOthers()))?.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const store = this.#store ?? (await this.#madeByOthers());
    return store === undefined ? hashcodes.map(() => false) : await store.has(hashcodes, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#store?.flush(options);
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    const found = this.#store === undefined ? undefined : capability(this.#store, 'location')?.locate(digests, spans);
    return found ?? digests.map(() => undefined);
  }

  async *records(digests: Uint8Array, spans?: ArrayLike<number>, options?: OpOptions): AsyncIterable<RecordBatch> {
    const source = this.#store === undefined ? undefined : capability(this.#store, 'recordSource');
    if (source !== undefined) yield* source.records(digests, spans, options);
  }

  async *hashcodes(options?: OpOptions): AsyncIterable<HashCode> {
    const listed = this.#store === undefined ? undefined : capability(this.#store, 'enumeration');
    if (listed !== undefined) yield* listed.hashcodes(options);
  }

  /** Makes the Store now, for an archive entry that needs no Blocks. */
  async make(): Promise<void> {
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    // The callers of `add` have already got the error.
    await this.#made?.catch(() => undefined);
    await this.#store?.[Symbol.asyncDispose]();
  }

  /** The Store, if another session has made it meanwhile. */
  async #madeByOthers(): Promise<Store | undefined> {
    return this.#isClosed || !isDatadir(this.#folder) ? undefined : await this.#open();
  }

  async #open(): Promise<Store> {
    if (this.#isClosed) throw new ClosedError('open Store', this.name);
    this.#made ??= this.#make().then(
      (store) => {
        this.#store = store;
        return store;
      },
      (error: unknown) => {
        // The next add tries again: a full disk may have room by then.
        this.#made = undefined;
        throw error;
      },
    );
    return await this.#made;
  }
}
