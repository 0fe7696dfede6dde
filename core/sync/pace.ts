import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled } from '../base/errors.ts';

/** Limits the total rate of a transfer. */
export class Pace {
  readonly #bytesPerSecond: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #startMs: number | undefined;
  #bytes = 0;

  /** @param bytesPerSecond - undefined for no limit */
  constructor(bytesPerSecond: number | undefined, signal: AbortSignal | undefined) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
  }

  /** Waits until this many more octets are within the limit. @throws {VtError} ECANCELLED if the signal fires */
  async wait(bytes: number): Promise<void> {
    if (this.#bytesPerSecond === undefined) return;
    this.#startMs ??= performance.now();
    this.#bytes += bytes;
    const early = (this.#bytes / this.#bytesPerSecond) * 1000 - (performance.now() - this.#startMs);
    if (early <= 0) return;
    try {
      await sleep(early, undefined, { signal: this.#signal });
    } catch (error) {
      throwIfCancelled(this.#signal);
      throw error;
    }
  }
}
