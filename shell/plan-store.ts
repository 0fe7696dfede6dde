import type { OpOptions } from '../core/base/op-options.ts';
import type { EdgeSettings } from '../core/block/edge-settings.ts';
import type { HashCode } from '../core/block/hashcode.ts';
import { MemoryStore } from '../core/store/memory.ts';
import type { AddCounts, AddResult, DigestedBlock, LocalCache, Store, StoreCapabilities } from '../core/store/store.ts';

/** A Store for `-n`: reads come from the Store below, what is added stays in memory, and nothing below changes. */
export class PlanStore implements Store {
  readonly name: string;
  readonly can: StoreCapabilities;
  readonly archivePath?: NonNullable<Store['archivePath']>;
  readonly archive?: NonNullable<Store['archive']>;
  readonly #below: Store;
  readonly #added: MemoryStore;

  /** @param write - whether it can be written to; default: as the Store below */
  constructor(below: Store, write = below.can.write) {
    this.#below = below;
    this.name = below.name;
    this.can = { ...below.can, write, locate: false, enumerate: false };
    if (below.archivePath === undefined && below.archive !== undefined) this.archive = below.archive.bind(below);
    else if (below.archivePath !== undefined) this.archivePath = below.archivePath.bind(below);
    this.#added = new MemoryStore({ hashName: below.hashName, edges: below.edges });
  }

  get hashName(): Store['hashName'] {
    return this.#below.hashName;
  }

  get edges(): EdgeSettings {
    return this.#below.edges;
  }

  get behind(): Store {
    return this.#below;
  }

  get cache(): LocalCache {
    return { get: (key) => this.#below.cache?.get(key), put: () => undefined };
  }

  get folders(): readonly string[] {
    return this.#below.folders ?? [];
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#added.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#added.addBatch(blocks, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return (await this.#added.get(hashcode, options)) ?? (await this.#below.get(hashcode, options));
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const added = await this.#added.has(hashcodes, options);
    const below = await this.#below.has(hashcodes, options);
    return added.map((present, i) => present || below[i] === true);
  }

  async flush(): Promise<void> {}

  counts(): AddCounts {
    return this.#added.counts();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#added[Symbol.asyncDispose]();
    await this.#below[Symbol.asyncDispose]();
  }
}
