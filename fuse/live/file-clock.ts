const NS_PER_MS = 1_000_000n;

/** The clock may have been set back by so much: then what was given before does not hold it up. */
const MAX_AHEAD_NS = 1000n * NS_PER_MS;

/**
 * The one clock of a mount. The kernel stamps writes by its last tick, and sends us those times. What we stamp must not be
 * later than a write that follows, nor earlier than one that came before: else `make` and `find -newer` go wrong.
 */
export class FileClock {
  readonly #tickNs: () => bigint;
  #lastNs = 0n;

  /** @param tickNs - the time of the kernel's last tick, ns since 1970 */
  constructor(tickNs: () => bigint) {
    this.#tickNs = tickNs;
  }

  /** The time of a change that is made now: never before one given or seen earlier. */
  nowNs(): bigint {
    const tickNs = this.#tickNs();
    if (tickNs > this.#lastNs || this.#lastNs - tickNs > MAX_AHEAD_NS) this.#lastNs = tickNs;
    return this.#lastNs;
  }

  /** Takes note of a time that a kernel gave a file, if it is of a write just now. */
  saw(ns: bigint): void {
    if (ns > this.#lastNs && ns <= BigInt(Date.now() + 1) * NS_PER_MS) this.#lastNs = ns;
  }
}
