import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey } from '../../block/digest-key.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { AddResult, Store } from '../../store/store.ts';

/** Octets that are kept. */
const MAX_KEPT_SIZE = 16 * 1024 * 1024;
/** Octets that a kept Block takes beside its own. */
const ENTRY_SIZE = 256;

/**
 * A Store whose Blocks are kept in memory, those asked for last: they are read and verified once, and not for each request. Several
 * answers share them.
 */
export class VerifiedBlocks implements Store {
  readonly wraps: Store;
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly #maxSize: number;
  readonly #kept = new Map<string, Uint8Array>();
  #size = 0;

  /** @param maxSize - octets kept; default 16 MiB */
  constructor(below: Store, maxSize = MAX_KEPT_SIZE) {
    this.wraps = below;
    this.name = below.name;
    this.hashName = below.hashName;
    this.edges = below.edges;
    this.#maxSize = maxSize;
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    const key = digestKey(hashcode.digest);
    const kept = hashcode.hashName === this.hashName ? this.#kept.get(key) : undefined;
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const data = await this.wraps.get(hashcode, options);
    if (data !== undefined && hashcode.hashName === this.hashName) this.#keep(key, data);
    return data;
  }

  #keep(key: string, data: Uint8Array): void {
    if (this.#kept.has(key) || sizeOf(data) > this.#maxSize) return;
    // What came may be a view of a larger buffer, which would be held with it.
    this.#kept.set(key, data.length === data.buffer.byteLength ? data : new Uint8Array(data));
    this.#size += sizeOf(data);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#size <= this.#maxSize) break;
      this.#kept.delete(oldest);
      this.#size -= length + ENTRY_SIZE;
    }
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
    this.#size = 0;
    await this.wraps[Symbol.asyncDispose]();
  }
}

function sizeOf({ length }: Uint8Array): number {
  return length + ENTRY_SIZE;
}
