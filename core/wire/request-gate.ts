import { VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';

interface Waiting {
  readonly size: number;
  readonly enter: () => void;
  readonly fail: (error: Error) => void;
}

/** Limits the number and size of concurrent requests; admits them in the order of arrival. */
export class RequestGate {
  readonly #mostCount: number;
  readonly #mostSize: number;
  readonly #waiting: Waiting[] = [];
  #count = 0;
  #size = 0;

  /**
   * @param mostCount - maximum number of requests at a time
   * @param mostSize - maximum octets of them; a larger request is admitted when there is no other
   */
  constructor(mostCount: number, mostSize: number) {
    this.#mostCount = mostCount;
    this.#mostSize = mostSize;
  }

  /** Whether a request waits. */
  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  #hasRoom(size: number): boolean {
    return this.#count === 0 || (this.#count < this.#mostCount && this.#size + size <= this.#mostSize);
  }

  /** Admits a request of `size` octets at once, if there is room and nobody waits. */
  tryEnter(size: number): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(size)) return false;
    this.#count++;
    this.#size += size;
    return true;
  }

  /** Waits for room. @throws {VtError} ECANCELLED if the signal fires, or the error that `fail` was called with */
  async enter(size: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const cancel = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      };
      const waiting: Waiting = {
        size,
        enter: () => {
          release();
          resolve();
        },
        fail: reject,
      };
      const release = onAbort(signal, cancel);
      this.#waiting.push(waiting);
    });
  }

  /** Ends an admitted request. */
  leave(size: number): void {
    this.#count--;
    this.#size -= size;
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.size); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#count++;
      this.#size += next.size;
      next.enter();
    }
  }

  /** Rejects all waiting requests. */
  fail(error: Error): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }
}
