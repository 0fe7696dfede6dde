import { VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { MAX_OUTSTANDING, MAX_OUTSTANDING_SIZE } from './limits.ts';
import type { Response } from './read-response.ts';
import { RequestGate } from './request-gate.ts';
import { FIRST_TAG } from './requests.ts';

interface Pending {
  readonly request: number;
  readonly size: number;
  /** Undefined once the request was cancelled. */
  settle: ((result: Response | Error) => void) | undefined;
}

/** The unanswered requests of a connection, with limits on their number and size. */
export class PendingRequests {
  readonly #gate = new RequestGate(MAX_OUTSTANDING, MAX_OUTSTANDING_SIZE);
  readonly #pending = new Map<number, Pending>();
  #nextTag = FIRST_TAG;

  /** Number of requests that wait for their responses. */
  get count(): number {
    return this.#pending.size;
  }

  /** Whether there are requests, and all of them were cancelled. */
  get isAbandoned(): boolean {
    return this.#pending.size > 0 && [...this.#pending.values()].every(({ settle }) => settle === undefined);
  }

  /** Admits a request of `size` octets. @returns a promise to wait for first, if too many requests are outstanding */
  enter(size: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    return this.#gate.tryEnter(size) ? undefined : this.#gate.enter(size, signal);
  }

  /** Undoes `enter` for a request that is not sent. */
  leave(size: number): void {
    this.#gate.leave(size);
  }

  /** Registers an admitted request; it is to be sent at once with the returned tag. */
  add(request: number, size: number, signal: AbortSignal | undefined): { readonly tag: number; readonly response: Promise<Response> } {
    const tag = this.#nextTag++;
    const response = new Promise<Response>((resolve, reject) => {
      const cancel = (): void => settle(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      const settle = (result: Response | Error): void => {
        release();
        pending.settle = undefined;
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const pending: Pending = { request, size, settle };
      this.#pending.set(tag, pending);
      const release = onAbort(signal, cancel);
    });
    return { tag, response };
  }

  /** The request number that belongs to a tag; undefined if there is none. */
  requestOf(tag: number): number | undefined {
    return this.#pending.get(tag)?.request;
  }

  /** Settles the request with this tag. */
  answer(tag: number, response: Response | Error): void {
    const pending = this.#pending.get(tag);
    if (pending === undefined) return;
    this.#pending.delete(tag);
    this.#gate.leave(pending.size);
    pending.settle?.(response);
  }

  /** Rejects all requests: the connection has ended. */
  fail(error: Error): void {
    for (const { settle } of [...this.#pending.values()]) settle?.(error);
    this.#pending.clear();
    this.#gate.fail(error);
  }
}
