import { ClosedError } from '../core/base/errors.ts';
import type { HashName } from '../core/block/hash.ts';
import type { HashCode } from '../core/block/hashcode.ts';
import type {
  AddCounts,
  AddResult,
  BlockLocation,
  DigestedBlock,
  EdgeSettings,
  LocalCache,
  OpOptions,
  Store,
  StoreCapabilities,
} from '../core/store/store.ts';

const NO_COUNTS: AddCounts = { newBlocks: 0, newBytes: 0, storedBytes: 0, existingBlocks: 0, existingBytes: 0 };

/** A Store that is made when the first Block is added to it: until then nothing touches the disk. */
export class AbsentStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly can: StoreCapabilities = { write: true, enumerate: true, archives: true, locate: true };
  readonly cache: LocalCache;
  readonly #make: () => Promise<Store>;
  #made: Promise<Store> | undefined;
  #store: Store | undefined;
  #isClosed = false;

  /** @param make - makes and opens it; called once, at the first add */
  constructor(name: string, hashName: HashName, edges: EdgeSettings, make: () => Promise<Store>) {
    this.name = name;
    this.hashName = hashName;
    this.edges = edges;
    this.#make = make;
    this.cache = {
      get: (key) => this.#store?.cache?.get(key),
      put: (key, value) => this.#store?.cache?.put(key, value),
    };
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

  async *hashcodes(options?: OpOptions): AsyncIterable<HashCode> {
    if (this.#store?.hashcodes !== undefined) yield* this.#store.hashcodes(options);
  }

  /** Makes the Store now, for an archive entry that needs no Blocks. */
  async make(): Promise<void> {
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#made;
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
