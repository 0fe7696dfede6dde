import type { OpOptions } from '../base/op-options.ts';
import { errorText } from '../base/system/system-error.ts';
import type { Store } from '../store/store.ts';
import type { Checkpoint } from './checkpoint.ts';
import { removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';
import { FollowedFolders } from './followed-folders.ts';
import type { FollowerStatus } from './follower-status.ts';
import { ReadRate } from './read-rate.ts';
import { RoundTrouble } from './round-trouble.ts';

/** Milliseconds between rounds without events. A monitor may miss changes, and sees none on network filesystems. */
const TIMER_MS = 1000;

/**
 * If more bytes than this wait at the end of a round, the next one begins at once. At 200 MB/s, rounds of a second would delay a write by
 * up to 2.5 s.
 */
const HASTE_SIZE = 16 * 1024 * 1024;

/** Milliseconds between checks of how many bytes wait. */
const PEEK_MS = 250;

/** Least milliseconds between rounds while watches are paused after a flood. */
const UNWATCHED_EVERY_MS = 100;

export interface FollowerOptions {
  readonly store: Pick<Store, 'flush' | 'name'>;
  readonly followed: Followed;
  /** Records the root of the tree. @returns the root as text */
  readonly sync: (signal: AbortSignal) => Promise<string>;
  /** Path of the checkpoint. */
  readonly checkpointPath: string;
  /** The round of the existing checkpoint; 0 without one. */
  readonly round: number;
  /** Called with the last recorded round, and the reason why later ones failed. */
  readonly onStatus: (status: FollowerStatus) => void;
  /** The fixed fields of the checkpoint. */
  readonly identity: Pick<Checkpoint, 'command' | 'store' | 'archive' | 'what' | 'target' | 'pid'>;
  /** Least milliseconds between the starts of two rounds, unless more than {@link HASTE_SIZE} bytes wait. */
  readonly everyMs: number;
  readonly clock: () => Date;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
  /** Called once it has ended. */
  readonly onEnd: () => void;
}

/** The present state of a follower. */
export interface FollowerState extends FollowedCounts {
  /** Recent rate in bytes per second. */
  readonly rate: number;
  /** Bytes stored in each of the last seconds, oldest first. */
  readonly recentBytes: readonly number[];
  /** Bytes that no recorded root has yet: unread, or stored but not recorded. */
  readonly lagBytes: number;
  /** For how long the oldest unrecorded change has waited, in milliseconds; 0 if everything is recorded. */
  readonly lagMs: number;
  /** Roots recorded by this process. `failures`: rounds that failed. */
  readonly rounds: number;
  readonly failures: number;
  /** Why the last round failed, until one succeeds; else what fails for some of the files. */
  readonly trouble: string | undefined;
  /** The last recorded root, as text. */
  readonly root: string | undefined;
}

/**
 * Keeps a part of a tree in step with local files, in rounds: read changes, flush Blocks, write the checkpoint, record the root.
 *
 * If a process is killed at any point of a round, the next process completes it: the checkpoint has what was read and what the previous
 * root has. A failed round is repeated until it succeeds. What was read stays, and counts as lag until a root has it.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #ending = new AbortController();
  readonly #folders: FollowedFolders;
  readonly #trouble: RoundTrouble;
  readonly #rate: ReadRate;
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasEvent = false;
  #peekedMs = Number.NEGATIVE_INFINITY;
  /** Whether much is waiting again after the last round. */
  #isHasty = false;
  /** When the last successful round began. */
  #lookedMs: number;
  #startedMs = Number.NEGATIVE_INFINITY;
  /** When the oldest unrecorded change was noticed; undefined if everything is recorded. */
  #newSinceMs: number | undefined;
  /** The same for the changes that the running round stores. */
  #roundSinceMs: number | undefined;
  #rounds = 0;
  #root: string | undefined;
  /** Whether the tree may have changes that no recorded root has. */
  #isUnrecorded = true;
  /** Bytes stored by this process that a recorded root has. */
  #recordedBytes = 0;
  /** The last round with a written checkpoint, and the last recorded round. */
  #number: number;
  #recordedNumber: number;
  #isStopped = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#number = options.round;
    this.#recordedNumber = options.round - 1;
    this.#lookedMs = options.monotonicMs();
    this.#rate = new ReadRate(this.#lookedMs);
    this.#trouble = new RoundTrouble(options);
    this.#folders = new FollowedFolders({
      followed: options.followed,
      monotonicMs: options.monotonicMs,
      onEvent: () => this.noteEvent(),
      onFlood: () => this.#schedule(),
      onTrouble: (trouble) => options.onNotice(`${this.#name}: ${trouble}`),
    });
  }

  get target(): string {
    return this.#options.identity.target;
  }

  get what(): string {
    return this.#options.identity.what;
  }

  /** The command that began it: `follow` or `watch`. */
  get command(): string | undefined {
    return this.#options.identity.command;
  }

  get checkpointPath(): string {
    return this.#options.checkpointPath;
  }

  /** Makes the first round, then continues in the background. @throws any error of the first round */
  async start(signal: AbortSignal): Promise<void> {
    const { followed } = this.#options;
    // Changes during the first scan must be reported.
    if (followed.isDeep) await this.#watch();
    await this.#look(signal, true);
    await this.#watch();
    this.#schedule();
  }

  /** Notes that something may have changed, so that a round follows soon. */
  noteEvent(): void {
    if (this.#isStopped) return;
    this.#newSinceMs ??= this.#options.monotonicMs();
    this.#hasEvent = true;
    this.#schedule();
  }

  state(): FollowerState {
    const { followed, monotonicMs } = this.#options;
    const counts = followed.counts();
    const waits = this.#roundSinceMs ?? this.#newSinceMs ?? this.#lookedMs;
    const lagBytes = counts.unreadBytes + counts.newBytes - this.#recordedBytes;
    return {
      ...counts,
      rate: this.#rate.bytesPerSecond,
      recentBytes: this.#rate.recent(monotonicMs()),
      lagBytes,
      lagMs: lagBytes === 0 && this.#newSinceMs === undefined ? 0 : monotonicMs() - waits,
      rounds: this.#rounds,
      failures: this.#trouble.failures,
      trouble: this.#trouble.text ?? followed.trouble,
      root: this.#root,
    };
  }

  /**
   * Ends it after a last round.
   *
   * @param forget - remove the checkpoint, so that the next follower starts anew
   * @throws any error of the last round
   */
  async stop(forget = false): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#folders.close();
    await this.#round;
    try {
      await this.#look(this.#ending.signal);
      if (forget) removeCheckpoint(this.#options.checkpointPath);
    } catch (error) {
      this.#tell(errorText(error), this.#options.clock());
      throw error;
    } finally {
      await this.#end();
    }
  }

  /** Ends it without a last round, since it could not begin. */
  async abandon(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#folders.close();
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

  /** Checks whether so much waits that the next round should begin at once. */
  #peek(): void {
    this.#peekedMs = this.#options.monotonicMs();
    this.#isHasty = this.#trouble.text === undefined && this.#options.followed.counts().unreadBytes > HASTE_SIZE;
    this.#schedule();
  }

  /** Milliseconds from the start of one round to the next. */
  #quietMs(everyMs: number): number {
    if (this.#trouble.text !== undefined) return Math.max(everyMs, this.#trouble.retryMs);
    if (this.#folders.isUnwatched) return Math.max(everyMs, UNWATCHED_EVERY_MS);
    return this.#hasEvent ? everyMs : Math.max(everyMs, TIMER_MS);
  }

  #begin(): void {
    this.#hasEvent = false;
    this.#round = this.#look(this.#ending.signal)
      .then(() => this.#watch())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#round = undefined;
        this.#schedule();
      });
  }

  #fail(error: unknown): void {
    this.#trouble.fail(this.#name, error);
    this.#tell(this.#trouble.text, this.#trouble.since);
  }

  #tell(trouble: string | undefined, since?: Date): void {
    this.#options.onStatus({ round: this.#recordedNumber, root: this.#root, trouble, since: since?.toISOString() });
  }

  get #name(): string {
    return `${this.command ?? 'follow'} into "${this.target}"`;
  }

  /** Makes one round. @param isFirst - no round of this process has been recorded */
  async #look(signal: AbortSignal, isFirst = false): Promise<void> {
    const { followed, store, monotonicMs } = this.#options;
    this.#startedMs = monotonicMs();
    const options: OpOptions = { signal };
    const seenMs = this.#newSinceMs ?? this.#startedMs;
    this.#newSinceMs = undefined;
    this.#roundSinceMs = seenMs;
    this.#isHasty = false;
    try {
      if (await followed.look(options)) this.#isUnrecorded = true;
      if (this.#isUnrecorded) {
        await followed.flush(options);
        await store.flush(options);
        this.#rate.note(monotonicMs(), followed.counts().newBytes);
        const unkept = this.#keep(isFirst);
        await this.#record(options, signal);
        if (unkept !== undefined) {
          this.#isUnrecorded = true;
          throw unkept;
        }
        this.#isHasty = followed.counts().unreadBytes > HASTE_SIZE;
      } else this.#rate.note(monotonicMs(), followed.counts().newBytes);
      this.#trouble.succeed(this.#name);
      this.#tell(followed.trouble);
      this.#lookedMs = this.#startedMs;
    } catch (error) {
      this.#newSinceMs = seenMs;
      throw error;
    } finally {
      this.#roundSinceMs = undefined;
    }
  }

  async #record(options: OpOptions, signal: AbortSignal): Promise<void> {
    const { followed, sync } = this.#options;
    const { newBytes } = followed.counts();
    await followed.bind(options);
    this.#root = await sync(signal);
    followed.noteRecorded();
    this.#rounds++;
    this.#recordedBytes = newBytes;
    this.#recordedNumber = this.#number;
    this.#isUnrecorded = false;
  }

  /**
   * Writes a checkpoint of what was read. If that fails, the root is recorded all the same. The first round is an exception: without a
   * checkpoint another process would read on from the old one.
   *
   * @returns the error; undefined if the checkpoint was written
   */
  #keep(isFirst: boolean): unknown {
    const { followed, identity, checkpointPath, clock } = this.#options;
    this.#number++;
    try {
      writeCheckpoint(checkpointPath, {
        round: this.#number,
        ...identity,
        when: clock().toISOString(),
        root: this.#root,
        rate: Math.round(this.#rate.bytesPerSecond),
        files: followed.counts().files,
        tails: followed.marks(),
      });
    } catch (error) {
      if (isFirst) throw error;
      return error;
    }
    return undefined;
  }

  async #watch(): Promise<void> {
    if (!this.#isStopped) await this.#folders.watch();
  }
}
