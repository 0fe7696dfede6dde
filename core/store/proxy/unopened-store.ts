import { ClosedError, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { AddResult, Store } from '../store.ts';

/** Options of {@link UnopenedStore}. */
export interface UnopenedStoreOptions {
  readonly name: string;
  /** The hash function that it must have once it opens. */
  readonly hashName: HashName;
  readonly edges?: EdgeSettings | undefined;
  /** Opens the Store; each operation calls it again until it succeeds. */
  readonly open: () => Promise<Store>;
}

/** A Store that could not be opened, in a proxy with a spool for it. Each operation tries to open it again. */
export class UnopenedStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly #open: () => Promise<Store>;
  #opening: Promise<Store> | undefined;
  #store: Store | undefined;
  #closed = false;

  constructor({ name, hashName, edges, open }: UnopenedStoreOptions) {
    this.name = name;
    this.hashName = hashName;
    this.edges = edges ?? DEFAULT_EDGES;
    this.#open = open;
  }

  /** The Store, once it was opened. */
  get wraps(): Store | undefined {
    return this.#store;
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    const kept = Uint8Array.from(data);
    return await (await this.#opened()).add(kept, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    if (this.#store !== undefined) return await this.#store.addBatch(blocks, options);
    const kept = blocks.map(({ digest, data }) => ({ digest: Uint8Array.from(digest), data: Uint8Array.from(data) }));
    return await (await this.#opened()).addBatch(kept, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await (await this.#opened()).get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await (await this.#opened()).has(hashcodes, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await (await this.#opened()).flush(options);
  }

  async #opened(): Promise<Store> {
    if (this.#closed) throw new ClosedError('open Store', this.name);
    if (this.#store !== undefined) return this.#store;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const store = await this.#opening;
    if (store.hashName !== this.hashName) {
      await store[Symbol.asyncDispose]();
      throw new VtError('EOPEN', `open Store "${this.name}": its hash function is ${store.hashName}, not ${this.hashName}`);
    }
    this.#store ??= store;
    return this.#store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#store?.[Symbol.asyncDispose]();
  }
}
