import { ClosedError, ReadOnlyError } from '../../base/errors.ts';
import { SharedLock } from '../../base/shared-lock.ts';

/** Access to a live tree: those who read have it side by side, those who change something one at a time. */
export class LiveAccess {
  readonly #name: string;
  readonly #canWrite: boolean;
  readonly #lock = new SharedLock();
  #isClosed = false;

  /** @param name - of the tree, for errors */
  constructor(name: string, canWrite: boolean) {
    this.#name = name;
    this.#canWrite = canWrite;
  }

  /** Nobody changes the tree: what needs no waiting can be read at once. */
  get isFree(): boolean {
    return !this.#isClosed && this.#lock.isFree;
  }

  /** Nobody has the tree, and it may be changed: what needs no waiting can be changed at once. */
  get mayChangeNow(): boolean {
    return !this.#isClosed && this.#canWrite && this.#lock.isIdle;
  }

  /** Runs what only reads. */
  reading<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError(action, this.#name));
    return this.#lock.shared(work);
  }

  /** Runs what nobody may change the tree beside. */
  alone<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError(action, this.#name));
    return this.#lock.exclusive(work);
  }

  /** Runs what changes the tree. */
  changing<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (!this.#isClosed && !this.#canWrite) return Promise.reject(new ReadOnlyError(action, this.#name));
    return this.alone(action, work);
  }

  /** Begins nothing more, and resolves when all that was begun is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lock.exclusive(async () => undefined);
  }
}
