/** Weight of the old rate after one second. */
const RATE_DECAY = 0.5;

/** Seconds whose bytes are remembered one by one. */
const RECENT_SECONDS = 24;

/** The recent rate at which bytes are stored. */
export class ReadRate {
  #rate = 0;
  #ratedMs: number;
  #ratedBytes = 0;
  /** Bytes of recent seconds that had any, by the number of the second. */
  readonly #recent = new Map<number, number>();

  /** @param nowMs - milliseconds of a clock that never goes back */
  constructor(nowMs: number) {
    this.#ratedMs = nowMs;
  }

  /** The rate in bytes per second: an exponential average. */
  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** Bytes stored in each of the last 24 seconds, oldest first. */
  recent(nowMs: number): number[] {
    const now = Math.floor(nowMs / 1000);
    return Array.from({ length: RECENT_SECONDS }, (_, at) => this.#recent.get(now - RECENT_SECONDS + 1 + at) ?? 0);
  }

  /**
   * @param nowMs - milliseconds of the same clock
   * @param bytes - all bytes stored so far
   */
  note(nowMs: number, bytes: number): void {
    const seconds = Math.max(0.001, (nowMs - this.#ratedMs) / 1000);
    const left = RATE_DECAY ** seconds;
    this.#rate = this.#rate * left + ((bytes - this.#ratedBytes) / seconds) * (1 - left);
    const second = Math.floor(nowMs / 1000);
    if (bytes > this.#ratedBytes) this.#recent.set(second, (this.#recent.get(second) ?? 0) + bytes - this.#ratedBytes);
    for (const old of this.#recent.keys()) if (old <= second - RECENT_SECONDS) this.#recent.delete(old);
    this.#ratedMs = nowMs;
    this.#ratedBytes = bytes;
  }
}
