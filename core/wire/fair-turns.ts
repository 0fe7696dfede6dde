import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { OpOptions } from '../base/op-options.ts';

/** Milliseconds of work before others get a turn. */
const TURN_MS = 5;

/** A request that has turns. */
interface TurnRequest {
  readonly of: TurnTaker;
  /** Its place in the order of all requests. */
  readonly number: number;
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  /** Its place in the order of all waiting clients: the lowest value comes first. */
  readonly start: number;
  readonly request: TurnRequest;
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
  #requests = 0;
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
    const start = this.#startOf(of);
    const request = { of, number: this.#requests++, signal };
    if (this.#waiting.length === 0 && this.#running < this.#atOnce && !this.#isLoopLate()) this.#begin(start);
    else await this.#wait(start, request);
    return new Turn(this, request, this.#nowMs());
  }

  /**
   * Ends a turn of a request, and waits for its next one. Of one client's requests the oldest goes first, so that they end one after the
   * other.
   *
   * @param ms - milliseconds that the turn took
   * @throws {VtError} ECANCELLED if the signal fires
   */
  async again(request: TurnRequest, ms: number): Promise<void> {
    const { of, signal } = request;
    of.finish += ms;
    // It is in the queue before its place is given to others.
    const entered = signal?.aborted === true ? undefined : this.#wait(this.#startOf(of), request);
    this.#running--;
    this.#letIn();
    throwIfCancelled(signal);
    await entered;
  }

  /** A place in the order of all clients. Waiting requests of one client are queued one behind the other. */
  #startOf(of: TurnTaker): number {
    const start = Math.max(this.#virtual, of.finish);
    of.finish = start + 1;
    return start;
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

  async #wait(start: number, request: TurnRequest): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        start,
        request,
        enter: () => {
          release();
          resolve();
        },
      };
      const release = onAbort(request.signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new VtError('ECANCELLED', 'cancelled', { cause: request.signal?.reason }));
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
      const first = this.#waiting.reduce((found, each) => (each.start < found.start ? each : found));
      const { of } = first.request;
      const oldest = this.#waiting.reduce(
        (found, each) => (each.request.of === of && each.request.number < found.request.number ? each : found),
        first,
      );
      this.#waiting.splice(this.#waiting.indexOf(oldest), 1);
      this.#begin(first.start);
      oldest.enter();
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
  readonly #request: TurnRequest;
  #sinceMs: number;
  #isOver = false;

  constructor(turns: FairTurns, request: TurnRequest, sinceMs: number) {
    this.#turns = turns;
    this.#request = request;
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
    this.#isOver = true;
    const entered = this.#turns.again(this.#request, this.#turns.nowMs() - this.#sinceMs);
    await Promise.all([entered, new Promise((resolve) => setImmediate(resolve))]);
    this.#sinceMs = this.#turns.nowMs();
    this.#isOver = false;
  }

  /** Ends the turn. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#turns.leave(this.#request.of, this.#turns.nowMs() - this.#sinceMs);
  }
}

/** Options of work that is done in a turn. */
export interface TurnOptions extends OpOptions {
  readonly turn?: Turn | undefined;
}
