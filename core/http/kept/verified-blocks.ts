import type { OpOptions } from '../../base/op-options.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey } from '../../block/digest-key.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { AddResult, Store } from '../../store/store.ts';

/** Bytes kept, at most. */
const MAX_KEPT_SIZE = 16 * 1024 * 1024;
/** Bytes of a kept Block besides its own, estimated. */
const ENTRY_SIZE = 256;

/**
 * A Store that keeps the most recent Blocks in memory, so that they are not read and verified for each request. Several answers share them.
 */
export class VerifiedBlocks implements Store {
  readonly wraps: Store;
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly #kept: RecentMap<string, Uint8Array>;

  /** @param maxSize - bytes kept; default 16 MiB */
  constructor(below: Store, maxSize = MAX_KEPT_SIZE) {
    this.wraps = below;
    this.name = below.name;
    this.hashName = below.hashName;
    this.edges = below.edges;
    this.#kept = new RecentMap({ maxSize, sizeOf: ({ length }) => length + ENTRY_SIZE });
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    const key = digestKey(hashcode.digest);
    const kept = hashcode.hashName === this.hashName ? this.#kept.get(key) : undefined;
    if (kept !== undefined) return kept;
    const data = await this.wraps.get(hashcode, options);
    // The bytes may be a view of a larger buffer, which must not be held.
    if (data !== undefined && hashcode.hashName === this.hashName && !this.#kept.has(key))
      this.#kept.set(key, data.length === data.buffer.byteLength ? data : new Uint8Array(data));
    return data;
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await this.wraps.has(hashcodes, options);
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.wraps.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.wraps.addBatch(blocks, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.wraps.flush(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kept.clear();
    await this.wraps[Symbol.asyncDispose]();
  }
}
