/** Part of the last rate that a second leaves. */
const RATE_DECAY = 0.5;

/** How fast octets are taken in, lately. */
export class ReadRate {
  #rate = 0;
  #ratedMs: number;
  #ratedBytes = 0;

  /** @param nowMs - milliseconds of a clock that never goes back */
  constructor(nowMs: number) {
    this.#ratedMs = nowMs;
  }

  /** Octets a second. */
  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** @param bytes - all that was taken in so far */
  note(nowMs: number, bytes: number): void {
    const seconds = Math.max(0.001, (nowMs - this.#ratedMs) / 1000);
    const left = RATE_DECAY ** seconds;
    this.#rate = this.#rate * left + ((bytes - this.#ratedBytes) / seconds) * (1 - left);
    this.#ratedMs = nowMs;
    this.#ratedBytes = bytes;
  }
}
