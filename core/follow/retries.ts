import type { Octets } from '../base/octets.ts';
import { ItemFailures } from './item-failures.ts';

/** Between two tries of what failed, at first and at most: milliseconds. */
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 64_000;

/** When what failed is tried again. */
interface Retry {
  readonly atMs: number;
  readonly waitMs: number;
}

/** Paths that failed: each is reported once, and tried again later, so that it keeps nothing else waiting. */
export class Retries {
  readonly #failures: ItemFailures;
  readonly #monotonicMs: () => number;
  readonly #retries = new Map<Octets, Retry>();

  /** @param action - what failed, for messages */
  constructor(action: string, onNotice: (notice: string) => void, monotonicMs: () => number) {
    this.#failures = new ItemFailures(action, onNotice);
    this.#monotonicMs = monotonicMs;
  }

  /** What fails at present; undefined where nothing does. */
  get text(): string | undefined {
    return this.#failures.text;
  }

  /** The paths that are to be tried again. */
  paths(): ReadonlySet<Octets> {
    return new Set(this.#retries.keys());
  }

  /** Those whose time has come. */
  *due(): Generator<Octets> {
    const nowMs = this.#monotonicMs();
    for (const [path, { atMs }] of this.#retries) if (atMs <= nowMs) yield path;
  }

  /** A path failed. @throws the error, where it is not about that path alone */
  fail(path: Octets, error: unknown): void {
    this.#failures.note(path, error);
    this.#tryLater(path);
  }

  /** A path failed, for a reason that is about it alone. */
  failFor(path: Octets, reason: string): void {
    this.#failures.add(path, reason);
    this.#tryLater(path);
  }

  /** A path was done. */
  clear(path: Octets): void {
    if (this.#retries.delete(path)) this.#failures.clear(path);
  }

  #tryLater(path: Octets): void {
    const waitMs = Math.min(MAX_WAIT_MS, (this.#retries.get(path)?.waitMs ?? FIRST_WAIT_MS / 2) * 2);
    this.#retries.set(path, { atMs: this.#monotonicMs() + waitMs, waitMs });
  }
}
