import { SilentPeerError } from '../base/errors.ts';
import { LOST_MS, QUIET_MS } from './limits.ts';

/** How long the other side may be silent while somebody waits for an answer, in milliseconds. */
export interface AskedSilence {
  readonly quietMs: number;
  readonly lostMs: number;
  /** After which `onSilent` is told, once for each silence. */
  readonly tellMs: number;
  readonly onSilent: (silentMs: number) => void;
}

/** How long a side may be silent. */
export interface SilenceLimits {
  /** Default {@link QUIET_MS}: then it is asked whether it is still there. */
  readonly quietMs?: number;
  /** Default {@link LOST_MS}: then it is lost. */
  readonly lostMs?: number;
  /** The same while something was asked; default: no difference. */
  readonly asked?: AskedSilence | undefined;
}

/** The end of a connection that watches the other. */
export interface Watcher {
  readonly name: string;
  /** Requests that wait for their responses, pings included. */
  readonly outstanding: () => number;
  /** Nothing is read, because enough is under way: silence says nothing of the other side. */
  readonly isBusy: () => boolean;
  /** Something is sent and not taken yet. */
  readonly isSending: () => boolean;
  /** Resolves with the response, or when the connection has ended. */
  readonly ping: () => Promise<void>;
  readonly fail: (error: Error) => void;
}

/** Finds out that the other side of a connection has gone without a word. */
export class SilenceWatch {
  readonly #watcher: Watcher;
  #heardMs = performance.now();
  /** When it was asked something while nothing else was asked. */
  #askedMs = performance.now();
  #sentMs = performance.now();
  /** Pings that were not answered yet. */
  #pinging = 0;
  /** The last silence that was told. */
  #toldOfMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lookedMs = performance.now();
  /** How long this process itself was halted, or too busy to read: that was no silence of the other side. */
  #haltedMs = 0;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Something has come. */
  heard(): void {
    this.#heardMs = this.#now();
  }

  /** The other side has taken something. */
  sent(): void {
    this.#sentMs = this.#now();
  }

  /** Something is about to be asked, other than a ping. */
  asks(): void {
    if (!this.#isWaitedFor) this.#askedMs = this.#now();
  }

  /** Begins; the other side has to answer pings. */
  watch({ quietMs = QUIET_MS, lostMs = LOST_MS, asked }: SilenceLimits): void {
    const everyMs = Math.min(quietMs, asked?.quietMs ?? quietMs) / 2;
    const look = (): void => {
      this.#looks(everyMs);
      const limits = asked !== undefined && this.#isWaitedFor ? asked : { quietMs, lostMs };
      if (this.#watcher.isBusy()) return;
      const now = this.#now();
      if (asked !== undefined) this.#tell(now, asked);
      if (now - Math.max(this.#heardMs, this.#watcher.isSending() ? this.#sentMs : this.#heardMs) > limits.lostMs)
        this.#watcher.fail(new Error(`no data for ${Math.round(limits.lostMs / 1000)} s`));
      else if (now - this.#heardMs > limits.quietMs && this.#pinging === 0) void this.#ping();
    };
    this.#begin(look, everyMs);
  }

  /** Begins, of a side that does not know pings: it is lost where it was asked something, and says nothing for so long. */
  watchAnswers(silentMs: number): void {
    const everyMs = silentMs / 4;
    const look = (): void => {
      this.#looks(everyMs);
      const { name, outstanding } = this.#watcher;
      if (outstanding() === 0 || this.#now() - Math.max(this.#heardMs, this.#sentMs) <= silentMs) return;
      this.#watcher.fail(new SilentPeerError(name, `no answer within ${Math.round(silentMs / 1000)} s`));
    };
    this.#begin(look, everyMs);
  }

  #begin(look: () => void, everyMs: number): void {
    if (this.#timer !== undefined) return;
    this.#lookedMs = performance.now();
    this.#timer = setInterval(look, everyMs).unref();
  }

  /** Counts a look. One that comes late tells that nothing could be read meanwhile. */
  #looks(everyMs: number): void {
    const now = performance.now();
    const lateMs = now - this.#lookedMs - everyMs;
    if (lateMs > everyMs) this.#haltedMs += lateMs;
    this.#lookedMs = now;
  }

  #now(): number {
    return performance.now() - this.#haltedMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether somebody waits for an answer, other than that of a ping. */
  get #isWaitedFor(): boolean {
    return this.#watcher.outstanding() > this.#pinging;
  }

  async #ping(): Promise<void> {
    this.#pinging++;
    await this.#watcher.ping();
    this.#pinging--;
  }

  /** Notifies waiting callers, once for each silence. */
  #tell(now: number, asked: AskedSilence): void {
    // Since it was heard, or asked after it had been idle.
    const silentMs = now - Math.max(this.#heardMs, this.#askedMs);
    if (!this.#isWaitedFor || silentMs < asked.tellMs || this.#toldOfMs === this.#heardMs) return;
    this.#toldOfMs = this.#heardMs;
    asked.onSilent(silentMs);
  }
}
