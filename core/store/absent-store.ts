import { join } from 'node:path';
import { ClosedError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { RecordBatch } from './record-batch.ts';
import { unpackRecords } from './record-batch.ts';
import type { AddCounts, AddResult, BlockLocation, DigestedBlock, LocalCache, Store, StoreCapabilities } from './store.ts';

const NO_COUNTS: AddCounts = { newBlocks: 0, newBytes: 0, storedBytes: 0, existingBlocks: 0, existingBytes: 0 };

/** A Store that is made when the first Block is added to it: until then nothing touches the disk. */
export class AbsentStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly can: StoreCapabilities = { write: true, enumerate: true, archives: true, locate: true };
  readonly cache: LocalCache;
  readonly folders: readonly string[];
  readonly #make: () => Promise<Store>;
  readonly #compression: Store['compression'];
  #made: Promise<Store> | undefined;
  #store: Store | undefined;
  #isClosed = false;

  /**
   * @param folder - where it will lie
   * @param make - makes and opens it; called once, at the first add
   * @param compression - what it is made with, so that records made before it is there are compressed already
   */
  constructor(folder: string, hashName: HashName, edges: EdgeSettings, make: () => Promise<Store>, compression?: Store['compression']) {
    this.name = `datadir:${folder}`;
    this.folders = [folder];
    this.hashName = hashName;
    this.edges = edges;
    this.#make = make;
    this.#compression = compression;
    this.cache = {
      get: (key) => this.#store?.cache?.get(key),
      put: (key, value) => this.#store?.cache?.put(key, value),
    };
  }

  get behind(): Store | undefined {
    return this.#store;
  }

  get durability(): Store['durability'] {
    return this.#store?.durability;
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
    if (store.addRecords !== undefined) return await store.addRecords(kept, options);
    const isNew = await store.addBatch(unpackRecords(kept, hashByName(this.hashName).digestSize), options);
    return Uint8Array.from(isNew, Number);
  }

  get compression(): Store['compression'] {
    return this.#store === undefined ? this.#compression : this.#store.compression;
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await this.#store?.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return this.#store === undefined ? hashcodes.map(() => false) : await this.#store.has(hashcodes, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#store?.flush(options);
  }

  counts(): AddCounts {
    return this.#store?.counts() ?? NO_COUNTS;
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    return this.#store?.locate?.(digests, spans) ?? digests.map(() => undefined);
  }

  async *records(digests: Uint8Array, spans?: ArrayLike<number>, options?: OpOptions): AsyncIterable<RecordBatch> {
    if (this.#store?.records !== undefined) yield* this.#store.records(digests, spans, options);
  }

  async *hashcodes(options?: OpOptions): AsyncIterable<HashCode> {
    if (this.#store?.hashcodes !== undefined) yield* this.#store.hashcodes(options);
  }

  /** Whether there is no Store yet. */
  get isAbsent(): boolean {
    return this.#store === undefined;
  }

  archivePath(name: string): string {
    return this.#store?.archivePath?.(name) ?? join(this.folders[0] ?? '', 'archives', `${name}.vt`);
  }

  /** Makes the Store now, for an archive entry that needs no Blocks. */
  async make(): Promise<void> {
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    // That it could not be made was told to whoever added to it.
    await this.#made?.catch(() => undefined);
    await this.#store?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<Store> {
    if (this.#isClosed) throw new ClosedError('open Store', this.name);
    this.#made ??= this.#make().then((store) => {
      this.#store = store;
      return store;
    });
    return await this.#made;
  }
}
