import type { LocalSession } from '../../session.ts';

/** Merges into a mount, soon, the roots that others record in its archive. */
export class RecordedNews {
  readonly #session: Pick<LocalSession, 'archive' | 'takeIn'>;
  readonly #onError: (error: unknown) => void;
  #isDue = false;
  #taking: Promise<void> | undefined;
  #endWatch: (() => void) | undefined;

  /** @param onError - called if a root could not be merged; the next sync then merges it */
  constructor(session: Pick<LocalSession, 'archive' | 'takeIn'>, onError: (error: unknown) => void) {
    this.#session = session;
    this.#onError = onError;
  }

  begin(): void {
    this.#endWatch = this.#session.archive?.watch?.(() => {
      this.#isDue = true;
      this.#taking ??= this.#takeIn();
    });
  }

  async #takeIn(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      await this.#session.takeIn().catch(this.#onError);
    }
    this.#taking = undefined;
  }

  /** Stops; resolves once no merge is running. */
  async end(): Promise<void> {
    this.#endWatch?.();
    await this.#taking;
  }
}
