import { ClosedError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import { hashByName } from '../../block/hash.ts';
import { capability } from '../capability.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { unpackRecords } from '../records/record-batch.ts';
import type { Store } from '../store.ts';

/** Milliseconds before a Store that failed is tried again. */
const REST_MS = 30_000;
/** Blocks that a Store may hold unflushed where another would have to take them over. */
const MAX_UNFLUSHED = 65_536;

/** A Store that a proxy saves to: what was added to it and is not durable yet, and whether it is to be tried at all. */
export class SavePart {
  readonly store: Store;
  readonly #nowMs: () => number;
  readonly #tracks: boolean;
  /** Blocks since the last flush, by their digests. */
  #unflushed = new Set<string>();
  #trouble: string | undefined;
  #triedMs = 0;

  /** @param tracks - whether what is unflushed is to be remembered, for a spool to take it over */
  constructor(store: Store, nowMs: () => number, tracks: boolean) {
    this.store = store;
    this.#nowMs = nowMs;
    this.#tracks = tracks;
  }

  /** Why it is not used at present. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether it failed a moment ago. */
  get rests(): boolean {
    return this.#trouble !== undefined && this.#nowMs() - this.#triedMs < REST_MS;
  }

  /** Digests of what was added and is not known to be durable. */
  get unflushed(): readonly Uint8Array[] {
    return [...this.#unflushed].map(digestOfKey);
  }

  /** Forgets that it failed, so that it is tried at once. */
  tryAgain(): void {
    this.#triedMs = Number.NEGATIVE_INFINITY;
  }

  /** Another Store has taken over what was unflushed. */
  forgetUnflushed(): void {
    this.#unflushed = new Set();
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions): Promise<boolean[]> {
    const keys = this.#tracks ? blocks.map(({ digest }) => digestKey(digest)) : [];
    const isNew = await this.#doing(async () => await this.store.addBatch(blocks, options), options);
    for (const key of keys) this.#unflushed.add(key);
    if (this.#unflushed.size > MAX_UNFLUSHED) await this.flush(options);
    return isNew;
  }

  /** As `addBatch`, of records. */
  async addRecords(batch: RecordBatch, options: OpOptions): Promise<Uint8Array> {
    const sink = capability(this.store, 'recordSink');
    const { digestSize } = hashByName(this.store.hashName);
    if (sink === undefined) return Uint8Array.from(await this.addBatch(unpackRecords(batch, digestSize), options), Number);
    const keys = this.#tracks ? unpackRecords(batch, digestSize).map(({ digest }) => digestKey(digest)) : [];
    const isNew = await this.#doing(async () => await sink.addRecords(batch, options), options);
    for (const key of keys) this.#unflushed.add(key);
    if (this.#unflushed.size > MAX_UNFLUSHED) await this.flush(options);
    return isNew;
  }

  async flush(options: OpOptions): Promise<void> {
    const before = this.#unflushed;
    this.#unflushed = new Set();
    try {
      await this.#doing(async () => await this.store.flush(options), options);
    } catch (error) {
      for (const key of before) this.#unflushed.add(key);
      throw error;
    }
  }

  async #doing<T>(action: () => Promise<T>, options: OpOptions): Promise<T> {
    try {
      const result = await action();
      this.#trouble = undefined;
      return result;
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!isFault(error)) throw error;
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#triedMs = this.#nowMs();
      throw error;
    }
  }
}

/** Whether an error comes from the Store, and not from its caller. */
export function isFault(error: unknown): boolean {
  return !(
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof ClosedError ||
    (error instanceof VtError && error.code === 'ECANCELLED')
  );
}
