/** The initial and the maximum number of concurrent requests. */
const FIRST_LIMIT = 8;
const MAX_LIMIT = 32;

/**
 * Limits the number of concurrent requests. At first each success raises the limit by one. After the service's first request to slow down,
 * each round raises it by one, and each such request halves it (additive increase, multiplicative decrease).
 */
export class RequestLimit {
  readonly #queue: (() => void)[] = [];
  #limit = FIRST_LIMIT;
  /** The service has not asked to slow down yet. */
  #isStarting = true;
  #underWay = 0;
  /** Refusals of requests that began before the last reduction do not halve the limit again. */
  #epoch = 0;

  /** Runs a request when the limit allows. @param request - calls `refused` if the service asks to slow down */
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
