/**
 * A lock within one process, held by any number of sharers or by one exclusive holder. First come, first served, so that neither kind
 * starves the other.
 */
export class SharedLock {
  #shared = 0;
  #exclusive = false;
  readonly #waiting: { readonly exclusive: boolean; readonly start: () => void }[] = [];

  /** Whether synchronous work may run now without the lock, beside shared holders. False while anybody waits. */
  get isFree(): boolean {
    return !this.#exclusive && this.#waiting.length === 0;
  }

  /** Whether synchronous work may run now without the lock, as if it held the lock alone. */
  get isIdle(): boolean {
    return this.isFree && this.#shared === 0;
  }

  /** Runs `work` beside other shared holders. */
  async shared<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter(false);
    try {
      return await work();
    } finally {
      this.#shared--;
      this.#wake();
    }
  }

  /** Runs `work` alone. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter(true);
    try {
      return await work();
    } finally {
      this.#exclusive = false;
      this.#wake();
    }
  }

  #enter(exclusive: boolean): Promise<void> {
    return new Promise((start) => {
      this.#waiting.push({ exclusive, start });
      this.#wake();
    });
  }

  #wake(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#exclusive || (next.exclusive && this.#shared > 0)) return;
      this.#waiting.shift();
      if (next.exclusive) this.#exclusive = true;
      else this.#shared++;
      next.start();
    }
  }
}
