import { SilentPeerError } from '../base/errors.ts';
import { LOST_MS, QUIET_MS } from './limits.ts';

/** Limits for silence while a request waits for its response, in milliseconds. */
export interface AskedSilence {
  readonly quietMs: number;
  readonly lostMs: number;
  /** When `onSilent` is called, once for each silence. */
  readonly tellMs: number;
  readonly onSilent: (silentMs: number) => void;
}

/** How long the other side may be silent, in milliseconds. */
export interface SilenceLimits {
  /** When a ping is sent; default {@link QUIET_MS}. */
  readonly quietMs?: number;
  /** When the connection counts as lost; default {@link LOST_MS}. */
  readonly lostMs?: number;
  /** Limits while a request waits for its response; default: the same. */
  readonly asked?: AskedSilence | undefined;
}

/** The connection end that watches the other. */
export interface Watcher {
  readonly name: string;
  /** The number of requests that wait for their responses, including pings. */
  readonly outstanding: () => number;
  /** Whether this side has stopped reading because of its limits: then silence is not the other side's. */
  readonly isBusy: () => boolean;
  /** Whether output waits to be sent. */
  readonly isSending: () => boolean;
  /** Sends a ping. Resolves with the response, or when the connection has ended. */
  readonly ping: () => Promise<void>;
  readonly fail: (error: Error) => void;
}

/** Detects that the other side of a connection has disappeared silently. */
export class SilenceWatch {
  readonly #watcher: Watcher;
  #heardMs = performance.now();
  /** When the first of the outstanding requests was sent. */
  #askedMs = performance.now();
  #sentMs = performance.now();
  /** Number of unanswered pings. */
  #pinging = 0;
  /** The last silence that `onSilent` was called for. */
  #toldOfMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lookedMs = performance.now();
  /** How long this process itself was suspended or too busy to read; this does not count as silence. */
  #haltedMs = 0;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Call when input arrives. */
  heard(): void {
    this.#heardMs = this.#now();
  }

  /** Call when output was sent. */
  sent(): void {
    this.#sentMs = this.#now();
  }

  /** Call before sending a request other than a ping. */
  asks(): void {
    if (!this.#isWaitedFor) this.#askedMs = this.#now();
  }

  /** Starts watching; the other side has to answer pings. */
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

  /** Starts watching a side without pings: the connection is lost after `silentMs` of silence while a request is outstanding. */
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

  /** Call at each check. A late check shows that this process could not read meanwhile. */
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

  /** Whether a request other than a ping is outstanding. */
  get #isWaitedFor(): boolean {
    return this.#watcher.outstanding() > this.#pinging;
  }

  async #ping(): Promise<void> {
    this.#pinging++;
    await this.#watcher.ping();
    this.#pinging--;
  }

  /** Calls `onSilent`, once for each silence. */
  #tell(now: number, asked: AskedSilence): void {
    // Since the last input, or since the first request after an idle time.
    const silentMs = now - Math.max(this.#heardMs, this.#askedMs);
    if (!this.#isWaitedFor || silentMs < asked.tellMs || this.#toldOfMs === this.#heardMs) return;
    this.#toldOfMs = this.#heardMs;
    asked.onSilent(silentMs);
  }
}
