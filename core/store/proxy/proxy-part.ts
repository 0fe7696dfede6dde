import { ClosedError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import { hashByName } from '../../block/hash.ts';
import { capability } from '../capability.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { unpackRecords } from '../records/record-batch.ts';
import type { Store } from '../store.ts';

/** Milliseconds before a failed Store is tried again. */
const REST_MS = 30_000;
/** Maximum number of unflushed Blocks in a Store if a spool would have to take them over. */
const MAX_UNFLUSHED = 65_536;

/** The state of a Store that a proxy saves to: its Blocks that are not durable yet, and whether it has just failed. */
export class SavePart {
  readonly store: Store;
  readonly #nowMs: () => number;
  readonly #tracks: boolean;
  /** Blocks added since the last flush, by digest key. */
  #unflushed = new Set<string>();
  #trouble: string | undefined;
  #triedMs = 0;

  /** @param tracks - whether to record unflushed Blocks, so that a spool can take them over */
  constructor(store: Store, nowMs: () => number, tracks: boolean) {
    this.store = store;
    this.#nowMs = nowMs;
    this.#tracks = tracks;
  }

  /** Why it is not used at present. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether it failed so recently that it is not tried again yet. */
  get rests(): boolean {
    return this.#trouble !== undefined && this.#nowMs() - this.#triedMs < REST_MS;
  }

  /** Digests of added Blocks that are not known to be durable. */
  get unflushed(): readonly Uint8Array[] {
    return [...this.#unflushed].map(digestOfKey);
  }

  /** Clears the failure, so that the Store is tried at once. */
  tryAgain(): void {
    this.#triedMs = Number.NEGATIVE_INFINITY;
  }

  /** Clears the unflushed Blocks: another Store has taken them over. */
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

  /** As `addBatch`, for records. */
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

/** Whether an error is the fault of the Store and not of its caller. */
export function isFault(error: unknown): boolean {
  return !(
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof ClosedError ||
    (error instanceof VtError && error.code === 'ECANCELLED')
  );
}
