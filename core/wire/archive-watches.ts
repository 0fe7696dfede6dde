import { setTimeout as delay } from 'node:timers/promises';
import { VtError } from '../base/errors.ts';

/** Milliseconds until a server that cannot be reached is asked again: twice as many after each failure. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Why it ended: news of the archive, the connection is lost, or nobody watches any more. */
type Wake = 'news' | 'lost' | 'ended';

interface Waiter {
  readonly archive: string;
  readonly wake: (why: Wake) => void;
}

/** The archives of a served Store that somebody here watches. The server tells of each once, and is asked again. */
export class ArchiveWatches {
  readonly #ask: (archive: string, signal: AbortSignal) => Promise<boolean>;
  readonly #waiting = new Set<Waiter>();

  /** @param ask - asks the server to tell of an archive; no where it cannot */
  constructor(ask: (archive: string, signal: AbortSignal) => Promise<boolean>) {
    this.#ask = ask;
  }

  /** As `Archive.watch`. A lost connection is made anew: what was recorded meanwhile counts too. */
  watch(archive: string, onChange: () => void): () => void {
    const ended = new AbortController();
    void this.#keepAsking(archive, onChange, ended.signal);
    return () => ended.abort();
  }

  /** The server tells of an archive. */
  news(archive: string): void {
    for (const waiter of this.#waiting) if (waiter.archive === archive) waiter.wake('news');
  }

  /** The connection is lost. */
  lost(): void {
    for (const waiter of this.#waiting) waiter.wake('lost');
  }

  async #keepAsking(archive: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; ) {
      // Before it is asked: the news may come right behind the answer.
      using next = this.#next(archive, signal);
      try {
        if (!(await this.#ask(archive, signal))) return;
        pauseMs = FIRST_PAUSE_MS;
        // Something may have been recorded before it was asked.
        onChange();
        if ((await next.woken) !== 'lost') continue;
      } catch (error) {
        // It does not know the question, refuses it, or is closed here. Anything else may pass.
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
