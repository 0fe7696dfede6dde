import { VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { MAX_OUTSTANDING, MAX_OUTSTANDING_SIZE } from './limits.ts';
import type { Response } from './read-response.ts';
import { RequestGate } from './request-gate.ts';
import { FIRST_TAG } from './requests.ts';

interface Pending {
  readonly request: number;
  readonly size: number;
  /** Undefined once nobody waits any more. */
  settle: ((result: Response | Error) => void) | undefined;
}

/** What was asked over a connection and is not answered yet: so much at a time, and no more. */
export class PendingRequests {
  readonly #gate = new RequestGate(MAX_OUTSTANDING, MAX_OUTSTANDING_SIZE);
  readonly #pending = new Map<number, Pending>();
  #nextTag = FIRST_TAG;

  /** How many wait for their responses. */
  get count(): number {
    return this.#pending.size;
  }

  /** Something was asked, and nobody waits for any of the answers. */
  get isAbandoned(): boolean {
    return this.#pending.size > 0 && [...this.#pending.values()].every(({ settle }) => settle === undefined);
  }

  /** Takes room for a request. @returns what has to be waited for first, where too much is under way */
  enter(size: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    return this.#gate.tryEnter(size) ? undefined : this.#gate.enter(size, signal);
  }

  /** Gives back the room of a request that is not made. */
  leave(size: number): void {
    this.#gate.leave(size);
  }

  /** Notes a request that has room, to be sent now under its tag. */
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

  /** What was asked under a tag; undefined where nothing was. */
  requestOf(tag: number): number | undefined {
    return this.#pending.get(tag)?.request;
  }

  /** The response to what was asked under a tag has come. */
  answer(tag: number, response: Response | Error): void {
    const pending = this.#pending.get(tag);
    if (pending === undefined) return;
    this.#pending.delete(tag);
    this.#gate.leave(pending.size);
    pending.settle?.(response);
  }

  /** No response comes any more. */
  fail(error: Error): void {
    for (const { settle } of [...this.#pending.values()]) settle?.(error);
    this.#pending.clear();
    this.#gate.fail(error);
  }
}
