import type { Ingest } from './ingest.ts';

/** Milliseconds of idleness after which the ingest is closed. */
const IDLE_MS = 20_000;

/** An ingest for a long-running process. It is made at the first use, closed after an idle time, and made anew after a failure. */
export class IngestOnDemand {
  readonly #make: () => Ingest;
  readonly #monotonicMs: () => number;
  #ingest: Ingest | undefined;
  #usedMs = 0;

  constructor(make: () => Ingest, monotonicMs: () => number) {
    this.#make = make;
    this.#monotonicMs = monotonicMs;
  }

  /** Runs `work` with the ingest. Several may run at once. An ingest that failed, for instance because the Store did, is not used again. */
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

  /** Closes the ingest if the last use ended long ago. Do not call this during a use. */
  async rest(): Promise<void> {
    if (this.#ingest !== undefined && this.#monotonicMs() - this.#usedMs > IDLE_MS) await this.close();
  }

  async close(): Promise<void> {
    const ingest = this.#ingest;
    this.#ingest = undefined;
    await ingest?.[Symbol.asyncDispose]();
  }
}
