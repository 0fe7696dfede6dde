import type { Octets } from '../base/octets.ts';
import { ItemFailures } from './item-failures.ts';

/** Milliseconds between two tries of a failed path: at first, and at most. They double each time. */
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 64_000;

/** When a failed path is tried again. */
interface Retry {
  readonly atMs: number;
  readonly waitMs: number;
}

/** Failed paths. Each is reported once and tried again later, so that it delays nothing else. */
export class Retries {
  readonly #failures: ItemFailures;
  readonly #monotonicMs: () => number;
  readonly #retries = new Map<Octets, Retry>();

  /**
   * @param action - the name of the command, for messages
   * @param onNotice - receives the messages
   * @param monotonicMs - a clock that never goes back
   */
  constructor(action: string, onNotice: (notice: string) => void, monotonicMs: () => number) {
    this.#failures = new ItemFailures(action, onNotice);
    this.#monotonicMs = monotonicMs;
  }

  /** The present failures as text; undefined if there are none. */
  get text(): string | undefined {
    return this.#failures.text;
  }

  /** All failed paths. */
  paths(): ReadonlySet<Octets> {
    return new Set(this.#retries.keys());
  }

  /** The failed paths that are to be tried now. */
  *due(): Generator<Octets> {
    const nowMs = this.#monotonicMs();
    for (const [path, { atMs }] of this.#retries) if (atMs <= nowMs) yield path;
  }

  /** Notes a failed path. @throws the error, if it concerns more than this path */
  fail(path: Octets, error: unknown): void {
    this.#failures.note(path, error);
    this.#tryLater(path);
  }

  /** Notes a failed path and a reason that concerns only it. */
  failFor(path: Octets, reason: string): void {
    this.#failures.add(path, reason);
    this.#tryLater(path);
  }

  /** Notes that a path succeeded. */
  clear(path: Octets): void {
    if (this.#retries.delete(path)) this.#failures.clear(path);
  }

  #tryLater(path: Octets): void {
    const waitMs = Math.min(MAX_WAIT_MS, (this.#retries.get(path)?.waitMs ?? FIRST_WAIT_MS / 2) * 2);
    this.#retries.set(path, { atMs: this.#monotonicMs() + waitMs, waitMs });
  }
}
