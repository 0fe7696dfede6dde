import { throwIfCancelled } from './errors.ts';

/** Maximum milliseconds of work without a turn of the event loop: Ctrl-C takes effect within that time. */
const TURN_MS = 50;

/**
 * Lets the event loop turn now and then: every walk over what somebody else made has one. What reads files by synchronous calls
 * waits for nothing, so promises alone would keep it going from one to the next. Signals, keys, timers and requests of others
 * would wait until all is done.
 */
export class EventTurns {
  readonly #turnMs: number;
  #lastMs = performance.now();

  /** @param turnMs - milliseconds between two turns; fewer where many operations run concurrently */
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
    await new Promise<void>(goOnInTurn);
    this.#lastMs = performance.now();
    throwIfCancelled(signal);
  }
}

/** Those who wait for the event loop to turn, in their order. */
const waiting: (() => void)[] = [];

/**
 * Lets one continue in each turn of the event loop, the one first that has waited longest. If all did, a dozen walks side by side would keep
 * everybody else waiting for the sum of what each may work.
 */
function goOnInTurn(goOn: () => void): void {
  if (waiting.push(goOn) === 1) setImmediate(letOneGoOn);
}

function letOneGoOn(): void {
  const [goOn] = waiting;
  goOn?.();
  // What it does comes first; then the loop turns.
  waiting.shift();
  if (waiting.length > 0) setImmediate(letOneGoOn);
}
