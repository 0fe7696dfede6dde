import { throwIfCancelled } from './errors.ts';

/** Milliseconds that may be worked without a turn of the event loop: who presses Ctrl-C waits no longer. */
const TURN_MS = 50;

/**
 * Lets the event loop turn now and then: every walk over what somebody else made has one. What reads files by synchronous calls
 * waits for nothing, so promises alone would keep it going from one to the next. Signals, keys, timers and requests of others
 * would wait until all is done.
 */
export class EventTurns {
  readonly #turnMs: number;
  #lastMs = performance.now();

  /** @param turnMs - milliseconds between two turns; less where many works go on side by side */
  constructor(turnMs = TURN_MS) {
    this.#turnMs = turnMs;
  }

  /**
   * Called before each step of a long work.
   *
   * @returns what has to be waited for first, mostly nothing; it rejects where the signal was aborted meanwhile
   */
  next(signal?: AbortSignal): Promise<void> | undefined {
    if (performance.now() - this.#lastMs < this.#turnMs) return undefined;
    return this.#take(signal);
  }

  async #take(signal: AbortSignal | undefined): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastMs = performance.now();
    throwIfCancelled(signal);
  }
}
