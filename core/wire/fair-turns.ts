import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { OpOptions } from '../base/op-options.ts';

/** Milliseconds that may be worked before others are let in. */
const TURN_MS = 5;

interface Waiting {
  /** Where it stands in the order of all who wait. */
  readonly start: number;
  readonly enter: () => void;
}

/** One client's work, as far as it has had turns. */
export class TurnTaker {
  /** Work that was done for it, on a common scale: the client that has had less comes first. */
  finish = 0;
}

/**
 * Lets some clients work at a time, those first for whom least was done lately: one that asks for much waits for others, and they do not
 * wait for it. Work is counted in milliseconds as they pass. The order is that of start-time fair queueing (Goyal, Vin, Cheng 1996).
 */
export class FairTurns {
  readonly #atOnce: number;
  readonly #nowMs: () => number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  /** When the first turn within this turn of the event loop was begun. */
  #loopMs: number | undefined;
  /** Waiting clients are admitted after the event loop has turned. */
  #isPutOff = false;
  /** How far all have come: nobody who comes now begins before it. */
  #virtual = 0;

  /** @param atOnce - who work at a time */
  constructor(atOnce: number, nowMs: () => number = () => performance.now()) {
    this.#atOnce = atOnce;
    this.#nowMs = nowMs;
  }

  /** Waits for a turn. @throws {VtError} ECANCELLED */
  async enter(of: TurnTaker, signal?: AbortSignal): Promise<Turn> {
    throwIfCancelled(signal);
    const start = Math.max(this.#virtual, of.finish);
    // Several of one client's that wait come one after the other.
    of.finish = start + 1;
    if (this.#waiting.length === 0 && this.#running < this.#atOnce && !this.#isLoopLate()) this.#begin(start);
    else await this.#wait(start, signal);
    return new Turn(this, of, signal, this.#nowMs());
  }

  #begin(start: number): void {
    this.#running++;
    this.#virtual = Math.max(this.#virtual, start);
  }

  /** Whether turns were begun for a while within one turn of the event loop. */
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
   * Lets in those who wait, as far as there is room. An answer that comes at once leads to the next request, without a turn of the event
   * loop. So the loop turns after a while: the requests of others are read then, and stand here in their order.
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

  /** A turn is over. @param ms - that it took */
  leave(of: TurnTaker, ms: number): void {
    of.finish += ms;
    this.#running--;
    this.#letIn();
  }

  /** Milliseconds, of the clock by which work is counted. */
  nowMs(): number {
    return this.#nowMs();
  }
}

/** A turn that somebody has. */
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
   * Called between steps of a long work: lets the event loop turn, and others work.
   *
   * @returns what has to be waited for, mostly nothing; it rejects where the client has gone
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

/** Options of what is done in a turn. */
export interface TurnOptions extends OpOptions {
  readonly turn?: Turn | undefined;
}
