const NS_PER_MS = 1_000_000n;

/** If the clock is behind the last given time by more than this, it was set back, and its time is used. */
const MAX_AHEAD_NS = 1000n * NS_PER_MS;

/**
 * The clock of a mount. The kernel timestamps writes with its last tick, and sends us those times. Our timestamps must not be
 * later than a following write, nor earlier than a preceding one: otherwise `make` and `find -newer` fail.
 */
export class FileClock {
  readonly #tickNs: () => bigint;
  #lastNs = 0n;

  /** @param tickNs - the time of the kernel's last tick, ns since 1970 */
  constructor(tickNs: () => bigint) {
    this.#tickNs = tickNs;
  }

  /** The time of a change made now, ns since 1970: never before a time given or seen earlier. */
  nowNs(): bigint {
    const tickNs = this.#tickNs();
    if (tickNs > this.#lastNs || this.#lastNs - tickNs > MAX_AHEAD_NS) this.#lastNs = tickNs;
    return this.#lastNs;
  }

  /** Notes a time that a kernel gave a file, if it belongs to a recent write. */
  saw(ns: bigint): void {
    if (ns > this.#lastNs && ns <= BigInt(Date.now() + 1) * NS_PER_MS) this.#lastNs = ns;
  }
}
