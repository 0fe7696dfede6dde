import { ClosedError, ReadOnlyError } from '../../base/errors.ts';
import { SharedLock } from '../../base/shared-lock.ts';

/** Locking of a live tree: reads may run concurrently, changes run one at a time. */
export class LiveAccess {
  readonly #name: string;
  readonly #canWrite: boolean;
  readonly #lock = new SharedLock();
  #isClosed = false;

  /** @param name - name of the tree, for errors */
  constructor(name: string, canWrite: boolean) {
    this.#name = name;
    this.#canWrite = canWrite;
  }

  /** Whether no change is running, so that synchronous reads are allowed. */
  get isFree(): boolean {
    return !this.#isClosed && this.#lock.isFree;
  }

  /** Whether nothing is running and the tree is writable, so that synchronous changes are allowed. */
  get mayChangeNow(): boolean {
    return !this.#isClosed && this.#canWrite && this.#lock.isIdle;
  }

  /** Runs a read. */
  reading<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError(action, this.#name));
    return this.#lock.shared(work);
  }

  /** Runs work during which nothing else may change the tree. */
  alone<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError(action, this.#name));
    return this.#lock.exclusive(work);
  }

  /** Runs a change. */
  changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (!this.#isClosed && !this.#canWrite) return Promise.reject(new ReadOnlyError(action, this.#name));
    return this.alone(action, work);
  }

  /** Refuses further work, and resolves when all running work is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lock.exclusive(async () => undefined);
  }
}
