/**
 * An abort signal that also fires with others. Unlike `AbortSignal.any`, it removes its listeners when it is disposed of. Otherwise the
 * signal of a session would keep a reference to each of a million commands.
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #others: readonly AbortSignal[];

  constructor(...others: readonly AbortSignal[]) {
    this.#others = others;
    for (const other of others) {
      if (other.aborted) this.#controller.abort(other.reason);
      else other.addEventListener('abort', this.#follow, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const other of this.#others) other.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (event: Event): void => {
    this.#controller.abort((event.target as AbortSignal).reason);
  };
}
