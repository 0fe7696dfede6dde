import type { OpOptions } from '../base/op-options.ts';
import { errorText } from '../base/system-error.ts';
import type { FolderMonitor } from '../store/folder-monitor.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoint } from './checkpoint.ts';
import { removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';

/** Between two rounds that nobody rang for: milliseconds. A monitor may miss changes, and knows nothing of network filesystems. */
const TIMER_MS = 1000;

/**
 * Octets that wait at the end of a round for which the next one begins at once: at 200 MB/s rounds of a second would keep what is
 * written at the start of one for two and a half.
 */
const HASTE_SIZE = 16 * 1024 * 1024;

/** Between two looks at how much waits: milliseconds. */
const PEEK_MS = 250;

/** How long nobody listens for changes after there were too many: milliseconds. Rounds find them all the same. */
const DEAF_MS = 120_000;

/** Between two rounds then, at least: milliseconds. */
const DEAF_EVERY_MS = 100;

/** Part of the last rate that a second leaves. */
const RATE_DECAY = 0.5;

export interface FollowerOptions {
  readonly store: Pick<Store, 'flush' | 'name'>;
  readonly followed: Followed;
  /** Records the root of the tree. @returns its text */
  readonly sync: (signal: AbortSignal) => Promise<string>;
  /** Where the checkpoint lies. */
  readonly checkpointPath: string;
  /** Its fixed fields. */
  readonly identity: Pick<Checkpoint, 'command' | 'store' | 'archive' | 'what' | 'target' | 'pid'>;
  /** Least time between the starts of two rounds where no more waits than {@link HASTE_SIZE}: milliseconds. */
  readonly everyMs: number;
  readonly clock: () => Date;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
  /** Called once it has ended. */
  readonly onEnd: () => void;
}

/** How a follower is getting on. */
export interface FollowerState extends FollowedCounts {
  /** Octets a second, lately. */
  readonly rate: number;
  /** How long what is not recorded yet waits: milliseconds; 0 where all is. */
  readonly lagMs: number;
  /** Roots recorded, and rounds that failed. */
  readonly rounds: number;
  readonly failures: number;
  /** Why the last round failed, until one succeeds. */
  readonly trouble: string | undefined;
  /** The last root recorded. */
  readonly root: string | undefined;
}

/**
 * Keeps a part of a tree in step with local files, round by round: look, Blocks durable, checkpoint, root recorded. A round that is
 * killed anywhere is made good by the next process: the checkpoint names durable Blocks only, and is never behind the tree.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #ending = new AbortController();
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #monitor: FolderMonitor | undefined;
  #watched = '';
  #rang = false;
  #peekedMs = Number.NEGATIVE_INFINITY;
  /** The last round took something in, and much waits again. */
  #isHasty = false;
  /** Until then nobody listens: rounds follow each other as if it rang all the time. */
  #deafUntilMs = Number.NEGATIVE_INFINITY;
  /** When the last look at everything began that succeeded. */
  #lookedMs: number;
  #startedMs = Number.NEGATIVE_INFINITY;
  /** When it was first seen that something is new; undefined where all is recorded. */
  #newSinceMs: number | undefined;
  /** The same of what the round under way takes in. */
  #roundSinceMs: number | undefined;
  #rate = 0;
  #ratedMs: number;
  #ratedBytes = 0;
  #rounds = 0;
  #failures = 0;
  #trouble: string | undefined;
  #root: string | undefined;
  #isStopped = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#ratedMs = options.monotonicMs();
    this.#lookedMs = this.#ratedMs;
  }

  get target(): string {
    return this.#options.identity.target;
  }

  get what(): string {
    return this.#options.identity.what;
  }

  /** What it was begun by: `follow` or `watch`. */
  get command(): string | undefined {
    return this.#options.identity.command;
  }

  get checkpointPath(): string {
    return this.#options.checkpointPath;
  }

  /** Makes the first round, and goes on by itself. @throws what went wrong in it */
  async start(signal: AbortSignal): Promise<void> {
    await this.#look(signal);
    await this.#watch();
    this.#schedule();
  }

  /** Something may have changed: a round soon. */
  ring(): void {
    if (this.#isStopped) return;
    this.#newSinceMs ??= this.#options.monotonicMs();
    this.#rang = true;
    this.#schedule();
  }

  state(): FollowerState {
    const counts = this.#options.followed.counts();
    const waits = this.#roundSinceMs ?? this.#newSinceMs ?? this.#lookedMs;
    return {
      ...counts,
      rate: this.#rate,
      lagMs: counts.unreadBytes === 0 && this.#newSinceMs === undefined ? 0 : this.#options.monotonicMs() - waits,
      rounds: this.#rounds,
      failures: this.#failures,
      trouble: this.#trouble,
      root: this.#root,
    };
  }

  /**
   * Ends it, after a last round.
   *
   * @param forget - leave no checkpoint: the next one begins anew
   * @throws what went wrong in the last round
   */
  async stop(forget = false): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#monitor?.[Symbol.asyncDispose]();
    await this.#round;
    try {
      await this.#look(this.#ending.signal);
      if (forget) removeCheckpoint(this.#options.checkpointPath);
    } finally {
      await this.#end();
    }
  }

  /** Ends it where it is: it could not begin. */
  async abandon(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#monitor?.[Symbol.asyncDispose]();
    await this.#end();
  }

  async #end(): Promise<void> {
    try {
      await this.#options.followed.close();
    } finally {
      this.#options.onEnd();
    }
  }

  #schedule(): void {
    if (this.#isStopped || this.#round !== undefined) return;
    clearTimeout(this.#timer);
    const since = this.#options.monotonicMs() - this.#startedMs;
    const { everyMs } = this.#options;
    const waitMs = this.#isHasty ? 0 : this.#quietMs(everyMs) - since;
    const peekMs = Math.max(this.#startedMs, this.#peekedMs) + PEEK_MS - this.#options.monotonicMs();
    const isLast = waitMs <= peekMs;
    this.#timer = setTimeout(() => (isLast ? this.#begin() : this.#peek()), Math.max(0, Math.min(waitMs, peekMs))).unref();
  }

  /** Whether the next round had better begin at once. */
  #peek(): void {
    this.#peekedMs = this.#options.monotonicMs();
    this.#isHasty = this.#trouble === undefined && this.#options.followed.counts().unreadBytes > HASTE_SIZE;
    this.#schedule();
  }

  /** How long to wait from one round to the next. */
  #quietMs(everyMs: number): number {
    if (this.#isDeaf) return Math.max(everyMs, DEAF_EVERY_MS);
    return this.#rang ? everyMs : Math.max(everyMs, TIMER_MS);
  }

  #begin(): void {
    this.#rang = false;
    this.#round = this.#look(this.#ending.signal)
      .then(() => this.#watch())
      .catch((error: unknown) => {
        this.#failures++;
        const trouble = errorText(error);
        if (trouble !== this.#trouble) this.#options.onNotice(`follow into "${this.target}": ${trouble}; it is tried again`);
        this.#trouble = trouble;
      })
      .finally(() => {
        this.#round = undefined;
        this.#schedule();
      });
  }

  /** One round. */
  async #look(signal: AbortSignal): Promise<void> {
    const { followed, store, monotonicMs, clock } = this.#options;
    this.#startedMs = monotonicMs();
    const options: OpOptions = { signal };
    const seenMs = this.#newSinceMs ?? this.#startedMs;
    this.#newSinceMs = undefined;
    this.#roundSinceMs = seenMs;
    this.#isHasty = false;
    try {
      if (await followed.look(options)) {
        await followed.flush(options);
        await store.flush(options);
        this.#rateNow();
        this.#keep(clock());
        await followed.bind(options);
        this.#root = await this.#options.sync(signal);
        this.#rounds++;
        this.#isHasty = followed.counts().unreadBytes > HASTE_SIZE;
      } else {
        // A round that failed may have left something to be brought into the tree.
        if (this.#trouble !== undefined || this.#root === undefined) {
          await followed.flush(options);
          await followed.bind(options);
          this.#root = await this.#options.sync(signal);
        }
        this.#rateNow();
      }
      this.#trouble = undefined;
      this.#lookedMs = this.#startedMs;
    } catch (error) {
      this.#newSinceMs = seenMs;
      throw error;
    } finally {
      this.#roundSinceMs = undefined;
    }
  }

  #keep(now: Date): void {
    const { followed, identity, checkpointPath } = this.#options;
    writeCheckpoint(checkpointPath, {
      version: 1,
      ...identity,
      when: now.toISOString(),
      root: this.#root,
      rate: Math.round(this.#rate),
      files: followed.counts().files,
      tails: followed.marks(),
    });
  }

  #rateNow(): void {
    const nowMs = this.#options.monotonicMs();
    const { newBytes } = this.#options.followed.counts();
    const seconds = Math.max(0.001, (nowMs - this.#ratedMs) / 1000);
    const left = RATE_DECAY ** seconds;
    this.#rate = this.#rate * left + ((newBytes - this.#ratedBytes) / seconds) * (1 - left);
    this.#ratedMs = nowMs;
    this.#ratedBytes = newBytes;
  }

  get #isDeaf(): boolean {
    return this.#options.monotonicMs() < this.#deafUntilMs;
  }

  /** Goes by the clock for a while. */
  #deafen(): void {
    this.#deafUntilMs = this.#options.monotonicMs() + DEAF_MS;
    this.#monitor = undefined;
    this.#watched = '';
    this.#schedule();
  }

  /** Watches the folders, which may be others than before. */
  async #watch(): Promise<void> {
    const { followed, onNotice } = this.#options;
    const folders = followed.folders;
    const key = folders.join('\0');
    if (key === this.#watched || this.#isStopped || this.#isDeaf) return;
    this.#watched = key;
    const { watchPaths } = await import('../store/folder-monitor.ts');
    await this.#monitor?.[Symbol.asyncDispose]();
    this.#monitor = await watchPaths(folders, {
      deep: followed.isDeep,
      concerns: (path) => followed.concerns(path),
      onChange: (path) => {
        followed.note(path);
        this.ring();
      },
      // Where every look is at everything, nothing is missed without.
      ...(followed.isDeep ? {} : { onFlood: () => this.#deafen() }),
      onError: (error) => onNotice(`watch for changes: ${errorText(error)}; files are looked at every second all the same`),
    });
  }
}
