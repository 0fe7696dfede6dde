import type { Ingest } from '../blockify/ingest.ts';

/** Worker threads are ended that had nothing to do for so long: milliseconds. */
const IDLE_MS = 20_000;

/** The workers that take in much at a time: started when there is much, and ended when there was not for a while. */
export class IngestOnDemand {
  readonly #make: () => Ingest;
  readonly #monotonicMs: () => number;
  #ingest: Ingest | undefined;
  #usedMs = 0;

  constructor(make: () => Ingest, monotonicMs: () => number) {
    this.#make = make;
    this.#monotonicMs = monotonicMs;
  }

  /** Runs `work` with them. One that failed, as the Store did, is not used again. */
  async use<T>(work: (ingest: Ingest) => Promise<T>): Promise<T> {
    this.#ingest ??= this.#make();
    try {
      return await work(this.#ingest);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#usedMs = this.#monotonicMs();
    }
  }

  /** Ends them if they have been idle. */
  async rest(): Promise<void> {
    if (this.#ingest !== undefined && this.#monotonicMs() - this.#usedMs > IDLE_MS) await this.close();
  }

  async close(): Promise<void> {
    const ingest = this.#ingest;
    this.#ingest = undefined;
    await ingest?.[Symbol.asyncDispose]();
  }
}
