import { setTimeout as delay } from 'node:timers/promises';
import { VtError } from '../base/errors.ts';

/** Milliseconds before the first retry of a server that cannot be reached; doubled after each failure. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Why a wait ended: news of the archive, the connection is lost, or nobody watches any more. */
type Wake = 'news' | 'lost' | 'ended';

interface Waiter {
  readonly archive: string;
  readonly wake: (why: Wake) => void;
}

/** The archives of a served Store that this process watches. The server reports one change per request; then this asks again. */
export class ArchiveWatches {
  readonly #ask: (archive: string, signal: AbortSignal) => Promise<boolean>;
  readonly #waiting = new Set<Waiter>();

  /** @param ask - asks the server to report the next change of an archive; false if it cannot */
  constructor(ask: (archive: string, signal: AbortSignal) => Promise<boolean>) {
    this.#ask = ask;
  }

  /** As `Archive.watch`. Reconnects after a lost connection; entries recorded meanwhile count too. */
  watch(archive: string, onChange: () => void): () => void {
    const ended = new AbortController();
    void this.#keepAsking(archive, onChange, ended.signal);
    return () => ended.abort();
  }

  /** Called when the server reports a change of an archive. */
  news(archive: string): void {
    for (const waiter of this.#waiting) if (waiter.archive === archive) waiter.wake('news');
  }

  /** Called when the connection is lost. */
  lost(): void {
    for (const waiter of this.#waiting) waiter.wake('lost');
  }

  async #keepAsking(archive: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; ) {
      // Wait for news before asking: the news may follow the answer at once.
      using next = this.#next(archive, signal);
      try {
        if (!(await this.#ask(archive, signal))) return;
        pauseMs = FIRST_PAUSE_MS;
        // Something may have been recorded before the server was asked.
        onChange();
        if ((await next.woken) !== 'lost') continue;
      } catch (error) {
        // The server does not know the request or refuses it, or the client is closed. Other errors may be temporary.
        if (error instanceof VtError && ['EUNSUPPORTED', 'EPERM', 'ECLOSED'].includes(error.code)) return;
      }
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  #next(archive: string, signal: AbortSignal): Disposable & { readonly woken: Promise<Wake> } {
    let wake: Waiter['wake'] = () => undefined;
    const woken = new Promise<Wake>((resolve) => {
      wake = resolve;
    });
    const waiter: Waiter = { archive, wake };
    const end = (): void => wake('ended');
    this.#waiting.add(waiter);
    signal.addEventListener('abort', end, { once: true });
    return {
      woken,
      [Symbol.dispose]: () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', end);
      },
    };
  }
}
