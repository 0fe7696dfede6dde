import { VtError } from '../../core/base/errors.ts';
import { LinkedAbort } from '../../core/base/linked-abort.ts';
import type { RequestId } from './request.ts';

/** Waiting requests, at most, besides the one in progress. When the queue is full, further requests and cancellations are not read. */
const MAX_WAITING = 1024;
/** Bytes of the waiting requests, at most. */
const MAX_WAITING_SIZE = 8 * 1024 * 1024;

interface Queued {
  readonly id: RequestId | undefined;
  /** Bytes of the request. */
  readonly size: number;
}

/** Answers requests, and is notified of changes of the queue. */
interface Answerer<T> {
  readonly answer: (request: T, signal: AbortSignal) => Promise<void>;
  /** Answers a request that was cancelled before its turn came. */
  readonly dropped: (request: T, error: VtError) => Promise<void>;
  /** The queue has room again. */
  readonly onRoom: () => void;
  /** An answer could not be sent: no more will be sent. */
  readonly onFailure: (error: unknown) => void;
  /** Fires when no more requests are to be answered. */
  readonly ended: AbortSignal;
}

/** Requests of one client: answered one after the other, in their order. Any of them can be cancelled. */
export class RequestQueue<T extends Queued> {
  readonly #answerer: Answerer<T>;
  readonly #waiting: T[] = [];
  #waitingSize = 0;
  #current: { readonly id: RequestId | undefined; readonly abort: LinkedAbort } | undefined;
  #running: Promise<void> | undefined;
  #hasFailed = false;

  constructor(answerer: Answerer<T>) {
    this.#answerer = answerer;
  }

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING || this.#waitingSize >= MAX_WAITING_SIZE;
  }

  add(request: T): void {
    if (this.#hasFailed || this.#answerer.ended.aborted) return;
    this.#waiting.push(request);
    this.#waitingSize += request.size;
    this.#running ??= this.#work();
  }

  /** Cancels the request `cancel`. @returns the answer to the cancelling request */
  answerCancel(id: RequestId | undefined, cancel: RequestId): Readonly<Record<string, unknown>> & { readonly status: number } {
    if (this.#cancel(cancel)) return { id, done: true, status: 0 };
    const error = `cancel ${JSON.stringify(cancel)}: no such request waits or runs`;
    return { id, done: true, error, code: 'EFAILED', status: 1 };
  }

  /** Aborts a running request or removes a waiting one. @returns whether there was such a request */
  #cancel(id: RequestId): boolean {
    const error = new VtError('ECANCELLED', 'cancelled');
    if (this.#current?.id === id) {
      this.#current.abort.abort(error);
      return true;
    }
    const at = this.#waiting.findIndex((request) => request.id === id);
    const request = this.#waiting[at];
    if (request === undefined) return false;
    this.#waiting.splice(at, 1);
    this.#waitingSize -= request.size;
    this.#answerer.dropped(request, error).catch((failure: unknown) => this.#fail(failure));
    return true;
  }

  /** Drops the waiting requests. */
  clear(): void {
    this.#waiting.length = 0;
    this.#waitingSize = 0;
  }

  /** Resolves when all requests are answered. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #work(): Promise<void> {
    const { answer, ended, onRoom } = this.#answerer;
    // It is known to run before it can be over.
    await Promise.resolve();
    try {
      for (let request = this.#waiting.shift(); request !== undefined && !ended.aborted; request = this.#waiting.shift()) {
        this.#waitingSize -= request.size;
        using abort = new LinkedAbort(ended);
        this.#current = { id: request.id, abort };
        await answer(request, abort.signal);
        this.#current = undefined;
        if (!this.isFull) onRoom();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#current = undefined;
      this.#running = undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.clear();
    this.#answerer.onFailure(error);
  }
}
