/** Part of the last rate that a second leaves. */
const RATE_DECAY = 0.5;

/** Seconds that are remembered one by one. */
const RECENT_SECONDS = 24;

/** How fast bytes are taken in, lately. */
export class ReadRate {
  #rate = 0;
  #ratedMs: number;
  #ratedBytes = 0;
  /** Bytes of the last seconds that had some, by the clock's second. */
  readonly #recent = new Map<number, number>();

  /** @param nowMs - milliseconds of a clock that never goes back */
  constructor(nowMs: number) {
    this.#ratedMs = nowMs;
  }

  /** Bytes a second. */
  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** Bytes taken in in each of the last seconds, the oldest first. */
  recent(nowMs: number): number[] {
    const now = Math.floor(nowMs / 1000);
    return Array.from({ length: RECENT_SECONDS }, (_, at) => this.#recent.get(now - RECENT_SECONDS + 1 + at) ?? 0);
  }

  /** @param bytes - all that was taken in so far */
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
