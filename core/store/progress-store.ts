import type { OpOptions } from '../base/op-options.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { OpenContext } from './open-store.ts';
import type { StoreParameters } from './specification.ts';
import { storesParameter } from './specification.ts';
import type {
  AddCounts,
  AddResult,
  BlockLocation,
  DigestedBlock,
  DrainResult,
  LocalCache,
  Store,
  StoreCapabilities,
  StorePart,
} from './store.ts';

/** What went through a Store since it was opened. */
export interface StoreProgress {
  /** Octets of Blocks handed over to be added, new or not. */
  readonly addBytes: number;
  /** Blocks handed over to be added. */
  readonly addCount: number;
  /** Octets of Blocks that it gave. */
  readonly getBytes: number;
  /** Blocks that it gave. */
  readonly getCount: number;
  /** Operations that have begun and not ended. */
  readonly outstanding: number;
}

/** Opens `progress:STORE`. */
export async function openProgressStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const [specification] = storesParameter(given, 'store');
  if (specification === undefined) throw new TypeError('open progress Store: expected a Store');
  return new ProgressStore(await context.open(specification));
}

/** Counts what goes through another Store. */
export class ProgressStore implements Store {
  readonly can: StoreCapabilities;
  readonly locate?: NonNullable<Store['locate']>;
  readonly hashcodes?: NonNullable<Store['hashcodes']>;
  readonly archivePath?: NonNullable<Store['archivePath']>;
  readonly archive?: NonNullable<Store['archive']>;
  readonly #below: Store;
  #addBytes = 0;
  #addCount = 0;
  #getBytes = 0;
  #getCount = 0;
  #outstanding = 0;

  constructor(below: Store) {
    this.#below = below;
    this.can = below.can;
    if (below.locate !== undefined) this.locate = (digests, spans) => this.#locate(below, digests, spans);
    if (below.hashcodes !== undefined) this.hashcodes = below.hashcodes.bind(below);
    if (below.archive !== undefined) this.archive = below.archive.bind(below);
    if (below.archivePath !== undefined) this.archivePath = below.archivePath.bind(below);
  }

  get name(): string {
    return this.#below.name;
  }

  get hashName(): Store['hashName'] {
    return this.#below.hashName;
  }

  get edges(): EdgeSettings {
    return this.#below.edges;
  }

  get cache(): LocalCache | undefined {
    return this.#below.cache;
  }

  get folders(): readonly string[] {
    return this.#below.folders ?? [];
  }

  get behind(): Store {
    return this.#below;
  }

  /** The counts so far. */
  progress(): StoreProgress {
    return {
      addBytes: this.#addBytes,
      addCount: this.#addCount,
      getBytes: this.#getBytes,
      getCount: this.#getCount,
      outstanding: this.#outstanding,
    };
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#during(async () => {
      const size = data.length;
      const result = await this.#below.add(data, options);
      this.#addBytes += size;
      this.#addCount++;
      return result;
    });
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#during(async () => {
      const result = await this.#below.addBatch(blocks, options);
      for (const { data } of blocks) this.#addBytes += data.length;
      this.#addCount += blocks.length;
      return result;
    });
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await this.#during(async () => {
      const data = await this.#below.get(hashcode, options);
      if (data !== undefined) this.#given(1, data.length);
      return data;
    });
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await this.#during(async () => await this.#below.has(hashcodes, options));
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#during(async () => await this.#below.flush(options));
  }

  counts(): AddCounts {
    return this.#below.counts();
  }

  // Whoever asks where a Block lies reads it there.
  #locate(below: Store, digests: readonly Uint8Array[], spans: readonly number[] | undefined): (BlockLocation | undefined)[] {
    const found = below.locate?.(digests, spans) ?? digests.map(() => undefined);
    for (const location of found) if (location !== undefined) this.#given(1, location.size);
    return found;
  }

  #given(blocks: number, bytes: number): void {
    this.#getCount += blocks;
    this.#getBytes += bytes;
  }

  async make(): Promise<void> {
    await this.#below.make?.();
  }

  async parts(options?: OpOptions): Promise<readonly StorePart[]> {
    return (await this.#below.parts?.(options)) ?? [];
  }

  async drain(options?: OpOptions): Promise<DrainResult> {
    return (await this.#below.drain?.(options)) ?? { deliveredBlocks: 0, deliveredBytes: 0, waitingBlocks: 0, troubles: [] };
  }

  async #during<T>(action: () => Promise<T>): Promise<T> {
    this.#outstanding++;
    try {
      return await action();
    } finally {
      this.#outstanding--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#below[Symbol.asyncDispose]();
  }
}
