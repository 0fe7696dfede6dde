import type { OpOptions } from '../../core/base/op-options.ts';
import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import type { HashName } from '../../core/block/hash.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import type { AddCounts, AddResult, BlockLocation, DigestedBlock, Store, StoreCapabilities } from '../../core/store/store.ts';

/**
 * The Store of a mount, opened by the shell that is attached to it: reads and writes go past the mount. Only what the
 * mount has not written out yet comes over its control channel.
 */
export class AttachedStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly can: StoreCapabilities;
  readonly folders: readonly string[];
  readonly addRecords?: NonNullable<Store['addRecords']>;
  readonly hashcodes?: NonNullable<Store['hashcodes']>;
  readonly #local: Store;
  readonly #channel: Store;

  /** Both are disposed of with this one. */
  constructor(local: Store, channel: Store) {
    this.#local = local;
    this.#channel = channel;
    this.name = local.name;
    this.hashName = local.hashName;
    this.edges = local.edges;
    this.can = local.can;
    this.folders = local.folders ?? [];
    const { addRecords, hashcodes } = local;
    if (addRecords !== undefined) this.addRecords = async (batch, options) => await addRecords.call(local, batch, options);
    if (hashcodes !== undefined) this.hashcodes = (options) => hashcodes.call(local, options);
  }

  get behind(): Store {
    return this.#local;
  }

  get compression(): Store['compression'] {
    return this.#local.compression;
  }

  get durability(): Store['durability'] {
    return this.#local.durability;
  }

  get cache(): Store['cache'] {
    return this.#local.cache;
  }

  archivePath(name: string): string {
    const { archivePath } = this.#local;
    if (archivePath === undefined) throw new TypeError(`Store "${this.name}" has no archives`);
    return archivePath.call(this.#local, name);
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#local.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#local.addBatch(blocks, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return (await this.#local.get(hashcode, options)) ?? (await this.#channel.get(hashcode, options));
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    const found = await this.#local.has(hashcodes, options);
    const missing = hashcodes.filter((_, index) => found[index] !== true);
    if (missing.length === 0) return found;
    const elsewhere = await this.#channel.has(missing, options);
    let next = 0;
    return found.map((isThere) => isThere || elsewhere[next++] === true);
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    return this.#local.locate?.(digests, spans) ?? digests.map(() => undefined);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#local.flush(options);
  }

  counts(): AddCounts {
    return this.#local.counts();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
    await this.#local[Symbol.asyncDispose]();
  }
}
