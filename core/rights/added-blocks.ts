import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { MemoryStore } from '../store/memory.ts';
import type { AddResult, Store } from '../store/store.ts';

/** Bytes that may be added. */
const MAX_ADDED_SIZE = 64 * 1024 * 1024;

/**
 * A Store that keeps added Blocks in memory and leaves the Store below unchanged. A Dir that is shown as a root may need a table of hard
 * links of its own, for example.
 */
export class AddedBlocks implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly wraps: Store;
  readonly #added: MemoryStore;

  constructor(below: Store) {
    this.wraps = below;
    this.name = below.name;
    this.hashName = below.hashName;
    this.edges = below.edges;
    this.#added = new MemoryStore({ hashName: below.hashName, maxBytes: MAX_ADDED_SIZE });
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return (await this.#added.get(hashcode, options)) ?? (await this.wraps.get(hashcode, options));
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const below = await this.wraps.has(hashcodes, options);
    return (await this.#added.has(hashcodes, options)).map((isAdded, i) => isAdded || below[i] === true);
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#added.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#added.addBatch(blocks, options);
  }

  async flush(): Promise<void> {
    await Promise.resolve();
  }

  /** Leaves the Store below open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#added[Symbol.asyncDispose]();
  }
}
