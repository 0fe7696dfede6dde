/** Requests under way at the start, and at most. */
const FIRST_LIMIT = 8;
const MAX_LIMIT = 32;

/**
 * How many requests may be under way. At first one more for each that went well. Once the service has asked for less: one more for each
 * round, and half as many whenever it asks again (additive increase, multiplicative decrease).
 */
export class RequestLimit {
  readonly #queue: (() => void)[] = [];
  #limit = FIRST_LIMIT;
  /** Nothing was refused yet. */
  #isStarting = true;
  #underWay = 0;
  /** Requests that began before this one do not halve the limit once more. */
  #epoch = 0;

  /** Runs a request once it may. */
  async run<T>(request: (refused: () => void) => Promise<T>): Promise<T> {
    while (this.#underWay >= Math.floor(this.#limit)) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#underWay++;
    const epoch = this.#epoch;
    let isRefused = false;
    try {
      return await request(() => {
        isRefused = true;
        this.#isStarting = false;
        if (epoch !== this.#epoch) return;
        this.#epoch++;
        this.#limit = Math.max(1, this.#limit / 2);
      });
    } finally {
      this.#underWay--;
      if (!isRefused) this.#limit = Math.min(MAX_LIMIT, this.#limit + (this.#isStarting ? 1 : 1 / this.#limit));
      for (let free = Math.floor(this.#limit) - this.#underWay; free > 0; free--) this.#queue.shift()?.();
    }
  }
}
