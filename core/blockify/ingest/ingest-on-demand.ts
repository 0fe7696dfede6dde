import type { Ingest } from './ingest.ts';

/** An ingest is ended that had nothing to do for so long: milliseconds. */
const IDLE_MS = 20_000;

/** An ingest for a process that continues for long: made at first use, ended when it was idle for a while, and made again once it failed. */
export class IngestOnDemand {
  readonly #make: () => Ingest;
  readonly #monotonicMs: () => number;
  #ingest: Ingest | undefined;
  #usedMs = 0;

  constructor(make: () => Ingest, monotonicMs: () => number) {
    this.#make = make;
    this.#monotonicMs = monotonicMs;
  }

  /** Runs `work` with it, which may be in progress several times. An ingest that failed, as the Store did, is not used again. */
  async use<T>(work: (ingest: Ingest) => Promise<T>): Promise<T> {
    this.#ingest ??= this.#make();
    const ingest = this.#ingest;
    try {
      return await work(ingest);
    } catch (error) {
      if (ingest.failure !== undefined) {
        if (this.#ingest === ingest) this.#ingest = undefined;
        await ingest[Symbol.asyncDispose]();
      }
      throw error;
    } finally {
      this.#usedMs = this.#monotonicMs();
    }
  }

  /** Ends it if it has been idle. */
  async rest(): Promise<void> {
    if (this.#ingest !== undefined && this.#monotonicMs() - this.#usedMs > IDLE_MS) await this.close();
  }

  async close(): Promise<void> {
    const ingest = this.#ingest;
    this.#ingest = undefined;
    await ingest?.[Symbol.asyncDispose]();
  }
}
