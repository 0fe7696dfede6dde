import type { OpOptions } from '../../core/base/op-options.ts';
import type { DigestedBlock } from '../../core/block/block-target.ts';
import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import { canWrite, capability, type Offers } from '../../core/store/capability.ts';
import { MemoryStore } from '../../core/store/memory.ts';
import type { AddResult, Store } from '../../core/store/store.ts';

/** A Store for `-n`: it reads from the Store below and keeps added Blocks in memory. Nothing below changes. */
export class PlanStore implements Store {
  readonly name: string;
  readonly wraps: Store;
  readonly offers: Offers;
  readonly #added: MemoryStore;

  /** @param write - whether it can be written to; default: as the Store below */
  constructor(below: Store, write = canWrite(below)) {
    this.wraps = below;
    this.name = below.name;
    this.#added = new MemoryStore({ hashName: below.hashName, edges: below.edges });
    this.offers = {
      access: { write },
      get cache() {
        const cache = capability(below, 'cache');
        return cache === undefined ? undefined : { get: (key: Uint8Array) => cache.get(key), put: () => undefined };
      },
      counts: this.#added,
      durability: 'hidden',
      enumeration: 'hidden',
      journals: 'hidden',
      // Blocks added here have no location.
      location: 'hidden',
      get imports() {
        const imports = capability(below, 'imports');
        if (imports === undefined) return undefined;
        const { open, get } = imports;
        return { open: open.bind(imports), get: get.bind(imports), put: () => undefined, isFull: false };
      },
      get making() {
        const making = capability(below, 'making');
        return making === undefined ? undefined : { isMade: making.isMade, make: async () => await Promise.resolve() };
      },
      notes: 'hidden',
      recordSink: 'hidden',
      recordSource: 'hidden',
      spool: 'hidden',
    };
  }

  get hashName(): Store['hashName'] {
    return this.wraps.hashName;
  }

  get edges(): EdgeSettings {
    return this.wraps.edges;
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#added.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#added.addBatch(blocks, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return (await this.#added.get(hashcode, options)) ?? (await this.wraps.get(hashcode, options));
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const added = await this.#added.has(hashcodes, options);
    const below = await this.wraps.has(hashcodes, options);
    return added.map((present, i) => present || below[i] === true);
  }

  async flush(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#added[Symbol.asyncDispose]();
    await this.wraps[Symbol.asyncDispose]();
  }
}
