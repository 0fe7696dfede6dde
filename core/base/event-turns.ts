import { throwIfCancelled } from './errors.ts';

/** Maximum milliseconds of work without a turn of the event loop: Ctrl-C takes effect within that time. */
const TURN_MS = 50;

/**
 * Lets the event loop turn at intervals. Every walk over data of unknown size has one. Code that reads files with synchronous calls never
 * gives way to the event loop, even if it is async. Signals, keys, timers and other requests would wait until all is done.
 */
export class EventTurns {
  readonly #turnMs: number;
  #lastMs = performance.now();

  /** @param turnMs - milliseconds between two turns; give fewer if many operations run concurrently */
  constructor(turnMs = TURN_MS) {
    this.#turnMs = turnMs;
  }

  /**
   * Call this before each step of a long operation.
   *
   * @returns usually undefined, else a promise to await first; it rejects with ECANCELLED if the signal has fired
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

/** The operations that wait for a turn of the event loop, in order. */
const waiting: (() => void)[] = [];

/**
 * Resumes one waiting operation in each turn of the event loop, first come, first served. If all resumed in one turn, a dozen concurrent
 * walks would delay everything else by a dozen times their turn.
 */
function goOnInTurn(goOn: () => void): void {
  if (waiting.push(goOn) === 1) setImmediate(letOneGoOn);
}

function letOneGoOn(): void {
  const [goOn] = waiting;
  goOn?.();
  // Only now, after its work, is the next one scheduled.
  waiting.shift();
  if (waiting.length > 0) setImmediate(letOneGoOn);
}
