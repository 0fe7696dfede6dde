import type { OpOptions } from '../../core/base/op-options.ts';
import type { DigestedBlock } from '../../core/block/block-target.ts';
import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import type { HashName } from '../../core/block/hash.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import type { AddResult, Store } from '../../core/store/store.ts';

/**
 * The Store of a mount, opened by the shell that is attached to it: reads and writes bypass the mount. Only Blocks that
 * the mount has not written out yet come over its control channel.
 */
export class AttachedStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly wraps: Store;
  readonly #channel: Store;

  /** Disposing this Store disposes both. */
  constructor(local: Store, channel: Store) {
    this.wraps = local;
    this.#channel = channel;
    this.name = local.name;
    this.hashName = local.hashName;
    this.edges = local.edges;
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.wraps.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.wraps.addBatch(blocks, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return (await this.wraps.get(hashcode, options)) ?? (await this.#channel.get(hashcode, options));
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const found = await this.wraps.has(hashcodes, options);
    const missing = hashcodes.filter((_, index) => found[index] !== true);
    if (missing.length === 0) return found;
    const elsewhere = await this.#channel.has(missing, options);
    let next = 0;
    return found.map((isThere) => isThere || elsewhere[next++] === true);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.wraps.flush(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
    await this.wraps[Symbol.asyncDispose]();
  }
}
