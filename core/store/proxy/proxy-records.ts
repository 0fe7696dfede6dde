import { CorruptBlockError, throwIfCancelled } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { RecordSource } from '../capabilities.ts';
import { capability } from '../capability.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { answeredBy, packRecords } from '../records/record-batch.ts';
import type { Store } from '../store.ts';
import { isFault } from './proxy-part.ts';

/** Blocks fetched concurrently if there are no records. */
const GET_AT_ONCE = 64;

/**
 * Supplies records from the Stores of a proxy. If one Store has all requested Blocks, its records are used. Otherwise records are made
 * from Blocks that the proxy gets.
 */
export class ProxyRecords implements RecordSource {
  readonly #proxy: Store;
  readonly #sources: readonly Store[];

  constructor(proxy: Store, sources: readonly Store[]) {
    this.#proxy = proxy;
    this.#sources = sources;
  }

  async *records(digests: Uint8Array, spans?: ArrayLike<number>, options: OpOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { digestSize } = hashByName(this.#proxy.hashName);
    const source = await this.#whole(digests, options);
    let answered = 0;
    try {
      for await (const batch of source?.records(digests, spans, options) ?? []) {
        answered = answeredBy(batch, digests, answered, digestSize);
        yield batch;
      }
      // For Blocks that it has left out, `get` looks elsewhere, or gives the reason.
      if (source !== undefined) return;
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!isFault(error)) throw error;
    }
    yield* this.#gotten(digests.subarray(answered * digestSize), options);
  }

  /** Finds a Store that has all the Blocks. */
  async #whole(digests: Uint8Array, options: OpOptions): Promise<RecordSource | undefined> {
    const [only, ...others] = this.#sources;
    if (only !== undefined && others.length === 0) return capability(only, 'recordSource');
    const hashcodes = this.#hashcodes(digests);
    for (const store of this.#sources) {
      const source = capability(store, 'recordSource');
      if (source === undefined) continue;
      try {
        if (!(await store.has(hashcodes, options)).includes(false)) return source;
      } catch (error) {
        throwIfCancelled(options.signal);
        if (!isFault(error)) throw error;
      }
    }
    return undefined;
  }

  async *#gotten(digests: Uint8Array, options: OpOptions): AsyncGenerator<RecordBatch, void, undefined> {
    const hashcodes = this.#hashcodes(digests);
    for (let at = 0; at < hashcodes.length; at += GET_AT_ONCE) {
      const blocks = await Promise.all(hashcodes.slice(at, at + GET_AT_ONCE).map(async (hashcode) => await this.#get(hashcode, options)));
      const found = blocks.filter((block) => block !== undefined);
      if (found.length > 0) yield { ...packRecords(found, hashByName(this.#proxy.hashName), 'none'), isOwned: true };
    }
  }

  async #get(hashcode: HashCode, options: OpOptions): Promise<DigestedBlock | undefined> {
    try {
      const data = await this.#proxy.get(hashcode, options);
      return data === undefined ? undefined : { digest: hashcode.digest, data };
    } catch (error) {
      if (error instanceof CorruptBlockError) return undefined;
      throw error;
    }
  }

  #hashcodes(digests: Uint8Array): HashCode[] {
    const { hashName } = this.#proxy;
    const { digestSize } = hashByName(hashName);
    return Array.from({ length: digests.length / digestSize }, (_, i) => ({
      hashName,
      digest: digests.subarray(i * digestSize, (i + 1) * digestSize),
    }));
  }
}
