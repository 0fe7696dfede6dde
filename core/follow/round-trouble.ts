import { errorText } from '../base/system/system-error.ts';

/** Milliseconds between failing rounds: at first, and at most. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 16_000;

interface TroubleOptions {
  readonly clock: () => Date;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
}

/** A series of failing rounds. Its beginning and its end are reported. */
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

  /** Why the last round failed; undefined if it succeeded. */
  get text(): string | undefined {
    return this.#text;
  }

  /** When the rounds began to fail; undefined if the last one succeeded. */
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

  /** Notes a failed round. @param who - for the notice */
  fail(who: string, error: unknown): void {
    const { onNotice, monotonicMs, clock } = this.#options;
    this.#failures++;
    this.#text = errorText(error);
    if (this.#startedMs === undefined) onNotice(`${who}: ${this.#text}; trying again until it succeeds`);
    else this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#startedMs ??= monotonicMs();
    this.#since ??= clock();
  }

  /** Notes a successful round. @param who - for the notice */
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
