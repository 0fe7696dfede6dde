import type { Link } from './links/link.ts';

/** Milliseconds between two checks. */
const LOOK_MS = 250;

/**
 * Finds out that the other side has gone while its input is paused. Node reports the end of an input only once everything before it has been
 * read. So a client could ask for minutes of work, and leave.
 */
export class HangUpWatch {
  readonly #link: Link;
  readonly #onHangUp: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onHangUp - called at each check that finds the other end closed */
  constructor(link: Link, onHangUp: () => void) {
    this.#link = link;
    this.#onHangUp = onHangUp;
    if (link.hasHungUp === undefined) return;
    link.input.on('pause', () => {
      this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    });
  }

  #look(): void {
    if (!this.#link.input.isPaused()) this.stop();
    else if (this.#link.hasHungUp?.() === true) this.#onHangUp();
  }

  /** Ends the checks, until the input is paused again. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
