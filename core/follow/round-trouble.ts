import { errorText } from '../base/system/system-error.ts';

/** Between two rounds while they fail, at first and at most: milliseconds. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 16_000;

interface TroubleOptions {
  readonly clock: () => Date;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
}

/** Rounds that fail, until one succeeds. It is reported when that begins and when it ends. */
export class RoundTrouble {
  readonly #options: TroubleOptions;
  /** When the rounds began to fail. */
  #startedMs: number | undefined;
  #since: Date | undefined;
  #text: string | undefined;
  #retryMs = RETRY_MS;
  #failures = 0;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  /** Why the last round failed, or undefined where it succeeded. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Since when rounds fail. */
  get since(): Date | undefined {
    return this.#since;
  }

  /** How long to wait before the next try, in milliseconds. */
  get retryMs(): number {
    return this.#retryMs;
  }

  /** How many rounds failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** A round failed. @param who - for the notice */
  fail(who: string, error: unknown): void {
    const { onNotice, monotonicMs, clock } = this.#options;
    this.#failures++;
    this.#text = errorText(error);
    if (this.#startedMs === undefined) onNotice(`${who}: ${this.#text}; trying again until it succeeds`);
    else this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#startedMs ??= monotonicMs();
    this.#since ??= clock();
  }

  /** A round succeeded. @param who - for the notice */
  succeed(who: string): void {
    const { onNotice, monotonicMs } = this.#options;
    if (this.#startedMs !== undefined) {
      const seconds = ((monotonicMs() - this.#startedMs) / 1000).toFixed(0);
      onNotice(`${who}: it works again after ${seconds} s; everything read meanwhile is recorded`);
    }
    this.#text = undefined;
    this.#startedMs = undefined;
    this.#since = undefined;
    this.#retryMs = RETRY_MS;
  }
}
