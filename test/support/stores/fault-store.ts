import { ClosedError, VtError } from '../../../core/base/errors.ts';
import type { OpOptions } from '../../../core/base/op-options.ts';
import type { DigestedBlock } from '../../../core/block/block-target.ts';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { capability, type Offers } from '../../../core/store/capability.ts';
import type { AddResult, Store } from '../../../core/store/store.ts';
import { makeRandom, type Random } from '../random.ts';

/** An operation of a Store that can go wrong. */
export type FaultyOperation = 'add' | 'get' | 'has' | 'flush' | 'list';

/**
 * What goes wrong, and when. `fail`: an error; `busy`: the error of a server that is out of service for a while; `hang`: no answer until the
 * signal fires or the Store is closed; `truncate`: an add takes the first half of its batch and fails, a get gives the first half of the bytes;
 * `lie`: a get gives other bytes, has says the contrary, a flush says it is done and is not.
 */
export interface Fault {
  readonly on: FaultyOperation;
  readonly kind: 'fail' | 'busy' | 'hang' | 'truncate' | 'lie';
  /** The first call of the operation that it happens to, 1 for the first; default 1. */
  readonly from?: number;
  /** How many calls it happens to; default: all. */
  readonly times?: number;
  /** Percent of those calls; default 100. */
  readonly percent?: number;
}

/** A Store over another that goes wrong by a script: for whatever stands above a Store. */
export class FaultStore implements Store {
  readonly wraps: Store;
  readonly offers: Offers;
  /** Calls so far. */
  readonly calls: Record<FaultyOperation, number> = { add: 0, get: 0, has: 0, flush: 0, list: 0 };
  /** Changed at will while a test runs. */
  faults: readonly Fault[];
  readonly #name: string | undefined;
  readonly #random: Random;
  readonly #closing = new AbortController();

  /** @param options.seed - of the calls that percents happen to */
  constructor(below: Store, faults: readonly Fault[] = [], options: { readonly seed?: number; readonly name?: string } = {}) {
    this.wraps = below;
    this.faults = faults;
    this.#name = options.name;
    this.#random = makeRandom(options.seed ?? 1);
    this.offers = {
      durability: 'hidden',
      enumeration: this,
      link: 'hidden',
      // Located Blocks would be read behind its back, and records moved.
      location: 'hidden',
      recordSink: 'hidden',
      recordSource: 'hidden',
      notes: 'hidden',
      parts: 'hidden',
      spool: 'hidden',
    };
  }

  get name(): string {
    return this.#name ?? this.wraps.name;
  }

  get hashName(): Store['hashName'] {
    return this.wraps.hashName;
  }

  get edges(): EdgeSettings {
    return this.wraps.edges;
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    const kept = Uint8Array.from(data);
    await this.#fault('add', options);
    return await this.wraps.add(kept, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    const kept = blocks.map(({ digest, data }) => ({ digest: Uint8Array.from(digest), data: Uint8Array.from(data) }));
    if ((await this.#fault('add', options)) === 'truncate') {
      await this.wraps.addBatch(kept.slice(0, kept.length >> 1), options);
      throw new VtError('EFAILED', `add to Store "${this.name}": the connection broke half way`);
    }
    return await this.wraps.addBatch(kept, options);
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    const fault = await this.#fault('get', options);
    const data = await this.wraps.get(hashcode, options);
    if (data === undefined || fault === undefined) return data;
    if (fault === 'truncate') return data.subarray(0, data.length >> 1);
    const wrong = Uint8Array.from(data);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    return wrong;
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    const fault = await this.#fault('has', options);
    const found = await this.wraps.has(hashcodes, options);
    return fault === 'lie' ? found.map((one) => !one) : found;
  }

  async flush(options: OpOptions = {}): Promise<void> {
    if ((await this.#fault('flush', options)) === 'lie') return;
    await this.wraps.flush(options);
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    await this.#fault('list', options);
    yield* capability(this.wraps, 'enumeration')?.hashcodes(options) ?? [];
  }

  /** What is wrong with this call; throws where that is an error. */
  async #fault(on: FaultyOperation, options: OpOptions): Promise<'truncate' | 'lie' | undefined> {
    const call = ++this.calls[on];
    const fault = this.faults.find(({ on: operation, from = 1, times = Number.POSITIVE_INFINITY, percent = 100 }) => {
      return operation === on && call >= from && call < from + times && (percent === 100 || this.#random.chance(percent));
    });
    switch (fault?.kind) {
      case undefined:
        return undefined;
      case 'fail':
        throw new VtError('EFAILED', `${on} Store "${this.name}": it fails, as the test wants it`);
      case 'busy':
        throw new VtError('EFAILED', `${on} Store "${this.name}": 503 Service Unavailable`, { remedy: 'try again later' });
      case 'hang':
        return await this.#hang(on, options.signal);
      default:
        return fault?.kind;
    }
  }

  async #hang(on: FaultyOperation, signal: AbortSignal | undefined): Promise<never> {
    const ends = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    if (!ends.aborted) await new Promise((resolve) => ends.addEventListener('abort', resolve, { once: true }));
    if (signal?.aborted === true) throw new VtError('ECANCELLED', 'cancelled');
    throw new ClosedError(on, this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.wraps[Symbol.asyncDispose]();
  }
}
