import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { OpOptions } from '../base/op-options.ts';

/** Milliseconds of work before others get a turn. */
const TURN_MS = 5;

interface Waiting {
  /** Its place in the order of all waiting clients: the lowest value comes first. */
  readonly start: number;
  readonly enter: () => void;
}

/** Accounts for one client's work. */
export class TurnTaker {
  /** The virtual time at which the client's last turn finished: the client with the lower value comes first. */
  finish = 0;
}

/**
 * Limits how many requests are processed at a time. Clients that had least work done lately come first, so that one with many requests
 * does not delay the others. Work is measured in elapsed milliseconds. The order is start-time fair queueing (Goyal, Vin, Cheng 1996).
 */
export class FairTurns {
  readonly #atOnce: number;
  readonly #nowMs: () => number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  /** When the first turn within the current pass of the event loop began. */
  #loopMs: number | undefined;
  /** Waiting clients are admitted in the next pass of the event loop. */
  #isPutOff = false;
  /** Virtual time: nobody who starts to wait now gets an earlier place. */
  #virtual = 0;

  /** @param atOnce - maximum number of turns at a time */
  constructor(atOnce: number, nowMs: () => number = () => performance.now()) {
    this.#atOnce = atOnce;
    this.#nowMs = nowMs;
  }

  /** Waits for a turn. @throws {VtError} ECANCELLED if the signal fires */
  async enter(of: TurnTaker, signal?: AbortSignal): Promise<Turn> {
    throwIfCancelled(signal);
    const start = Math.max(this.#virtual, of.finish);
    // Waiting requests of one client are queued one behind the other.
    of.finish = start + 1;
    if (this.#waiting.length === 0 && this.#running < this.#atOnce && !this.#isLoopLate()) this.#begin(start);
    else await this.#wait(start, signal);
    return new Turn(this, of, signal, this.#nowMs());
  }

  #begin(start: number): void {
    this.#running++;
    this.#virtual = Math.max(this.#virtual, start);
  }

  /** Whether this pass of the event loop has begun turns for too long. */
  #isLoopLate(): boolean {
    const now = this.#nowMs();
    if (this.#loopMs === undefined) {
      this.#loopMs = now;
      setImmediate(() => {
        this.#loopMs = undefined;
      });
    }
    return now - this.#loopMs >= TURN_MS;
  }

  async #wait(start: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        start,
        enter: () => {
          release();
          resolve();
        },
      };
      const release = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      });
      this.#waiting.push(waiting);
      this.#letIn();
    });
  }

  /**
   * Admits waiting clients within the limit. A response that is ready at once lets the next request begin without another pass of the event
   * loop. So after a while admission is put off to the next pass: the requests of other clients are read first, and queued in order.
   */
  #letIn(): void {
    while (this.#waiting.length > 0 && this.#running < this.#atOnce && !this.#isPutOff) {
      if (this.#isLoopLate()) {
        this.#isPutOff = true;
        setImmediate(() => {
          this.#isPutOff = false;
          this.#letIn();
        });
        return;
      }
      let next = 0;
      for (let i = 1; i < this.#waiting.length; i++)
        if ((this.#waiting[i] as Waiting).start < (this.#waiting[next] as Waiting).start) next = i;
      const [entering] = this.#waiting.splice(next, 1) as [Waiting];
      this.#begin(entering.start);
      entering.enter();
    }
  }

  /** Ends a turn. @param ms - milliseconds that it took */
  leave(of: TurnTaker, ms: number): void {
    of.finish += ms;
    this.#running--;
    this.#letIn();
  }

  /** The current time in milliseconds, on the clock that measures work. */
  nowMs(): number {
    return this.#nowMs();
  }
}

/** The right to work for a while. */
export class Turn {
  readonly #turns: FairTurns;
  readonly #of: TurnTaker;
  readonly #signal: AbortSignal | undefined;
  #sinceMs: number;
  #isOver = false;

  constructor(turns: FairTurns, of: TurnTaker, signal: AbortSignal | undefined, sinceMs: number) {
    this.#turns = turns;
    this.#of = of;
    this.#signal = signal;
    this.#sinceMs = sinceMs;
  }

  /**
   * Called between the steps of long work: yields to the event loop and to other clients when the turn is used up.
   *
   * @returns a promise to wait for, or mostly undefined; it rejects if the client has disconnected
   */
  next(): Promise<void> | undefined {
    return this.#turns.nowMs() - this.#sinceMs < TURN_MS ? undefined : this.#pass();
  }

  async #pass(): Promise<void> {
    this.end();
    await new Promise((resolve) => setImmediate(resolve));
    const again = await this.#turns.enter(this.#of, this.#signal);
    this.#sinceMs = again.#sinceMs;
    this.#isOver = false;
  }

  /** Ends the turn. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#turns.leave(this.#of, this.#turns.nowMs() - this.#sinceMs);
  }
}

/** Options of work that is done in a turn. */
export interface TurnOptions extends OpOptions {
  readonly turn?: Turn | undefined;
}
