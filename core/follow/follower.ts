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

/** Between two rounds without an event: milliseconds. A monitor may miss changes, and knows nothing of network filesystems. */
const TIMER_MS = 1000;

/**
 * With so many bytes waiting at the end of a round the next one begins at once. At 200 MB/s, rounds of a second would let a
 * write wait for 2.5 s.
 */
const HASTE_SIZE = 16 * 1024 * 1024;

/** Between two looks at how much waits: milliseconds. */
const PEEK_MS = 250;

/** Between two rounds while there are too many events to watch, at least: milliseconds. */
const UNWATCHED_EVERY_MS = 100;

export interface FollowerOptions {
  readonly store: Pick<Store, 'flush' | 'name'>;
  readonly followed: Followed;
  /** Records the root of the tree. @returns its text */
  readonly sync: (signal: AbortSignal) => Promise<string>;
  /** Where the checkpoint is. */
  readonly checkpointPath: string;
  /** How many rounds were before, by that checkpoint. */
  readonly round: number;
  /** Called with which round is recorded, and what keeps others from it. */
  readonly onStatus: (status: FollowerStatus) => void;
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
  /** Bytes a second, lately. */
  readonly rate: number;
  /** Bytes taken in in each of the last seconds, the oldest first. */
  readonly recentBytes: readonly number[];
  /** Bytes that no recorded root has yet: in files, or taken in. */
  readonly lagBytes: number;
  /** How long what is not recorded yet waits: milliseconds; 0 where all is. */
  readonly lagMs: number;
  /** Roots recorded, and rounds that failed. */
  readonly rounds: number;
  readonly failures: number;
  /** Why the last round failed, until one succeeds; or what goes wrong with some of the files. */
  readonly trouble: string | undefined;
  /** The last root recorded. */
  readonly root: string | undefined;
}

/**
 * Keeps a part of a tree in step with local files, round by round: look, Blocks durable, checkpoint, root recorded. A round that is
 * killed anywhere is made good by the next process: the checkpoint has what was read, and what the root before has. A round that
 * fails is made again until it succeeds; what was read of files stays, and counts as lag until a root has it.
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
  /** The last round took something in, and much waits again. */
  #isHasty = false;
  /** When the last look at everything began that succeeded. */
  #lookedMs: number;
  #startedMs = Number.NEGATIVE_INFINITY;
  /** When it was first seen that something is new; undefined where all is recorded. */
  #newSinceMs: number | undefined;
  /** The same of what the round in progress takes in. */
  #roundSinceMs: number | undefined;
  #rounds = 0;
  #root: string | undefined;
  /** Something may be in the tree that no recorded root has. */
  #isUnrecorded = true;
  /** Bytes read that a recorded root has. */
  #recordedBytes = 0;
  /** The round whose checkpoint was written last, and the one that was recorded last. */
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

  /** What it was begun by: `follow` or `watch`. */
  get command(): string | undefined {
    return this.#options.identity.command;
  }

  get checkpointPath(): string {
    return this.#options.checkpointPath;
  }

  /** Makes the first round, and continues by itself. @throws what went wrong in it */
  async start(signal: AbortSignal): Promise<void> {
    const { followed } = this.#options;
    // What changes while all of it is looked at for the first time must be reported.
    if (followed.isDeep) await this.#watch();
    await this.#look(signal, true);
    await this.#watch();
    this.#schedule();
  }

  /** Something may have changed: a round soon. */
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
   * Ends it, after a last round.
   *
   * @param forget - leave no checkpoint: the next one begins again
   * @throws what went wrong in the last round
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

  /** Ends it where it is: it could not begin. */
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

  /** Whether the next round had better begin at once. */
  #peek(): void {
    this.#peekedMs = this.#options.monotonicMs();
    this.#isHasty = this.#trouble.text === undefined && this.#options.followed.counts().unreadBytes > HASTE_SIZE;
    this.#schedule();
  }

  /** How long to wait from one round to the next. */
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

  /** One round. @param isFirst - nothing is recorded that no checkpoint has */
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
   * Writes a checkpoint of what was taken in. Where that fails the root is recorded all the same, but at the very start: without one
   * another process reads on from the one before.
   *
   * @returns what went wrong
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
