import { statfsSync } from 'node:fs';
import { CacheGeneration } from './cache-generation.ts';
import type { BlockIndex } from './index/block-index.ts';
import type { BehindFile, CatchUpOptions, IndexSink } from './index/index-catch-up.ts';
import { compareMarks } from './index/index-catch-up.ts';
import { IndexOverlay } from './index/index-overlay.ts';
import type { FileMarks, IndexBatch, IndexRewrite, Location, PresentDigests } from './index/index-types.ts';
import { IndexDamagedError } from './index/index-types.ts';
import type { IndexOpeningOptions, OpenedIndex } from './index-opening.ts';
import { IndexOpening } from './index-opening.ts';

/** With less room than this on the disk what data files hold beyond the index is kept in memory. */
const MIN_ROOM = 2 * 1024 * 1024;
/** Least time between two looks for what other processes left unindexed, in milliseconds. */
const LOOK_AGAIN_MS = 200;

/** Reads what data files hold beyond their marks into a sink. */
export type CatchUp = (behind: readonly BehindFile[], sink: IndexSink, options: CatchUpOptions) => Promise<void>;

export interface DatadirIndexOptions extends IndexOpeningOptions {
  /** Data files may be growing under other processes. */
  readonly shared: boolean;
  readonly catchUp: CatchUp;
  /** Files that this session is writing to: it tells the index itself. */
  readonly ownFiles: () => readonly string[];
  /** The Store's generation: a cache of another is dropped. */
  readonly generation: () => number;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * The index of a datadir through its life: opened at first use, caught up with the data files, and made again from
 * them where it is missing, damaged, or another's.
 */
export class DatadirIndex {
  readonly #options: DatadirIndexOptions;
  readonly #opening: IndexOpening;
  readonly #generation: CacheGeneration;
  #index: BlockIndex | undefined;
  #behind: readonly BehindFile[] = [];
  /** Why the index on disk cannot be used. */
  #unusable: string | undefined;
  /** Why no index can be made: what it would hold is kept in memory. */
  #unwritable: unknown;
  /** The id of the index when it was opened: the marks that are made here hold in that one alone. */
  #indexId = '';
  #tried = false;
  #readying: Promise<void> | undefined;
  #isReady = false;
  #rebuilt = false;
  /** The last commit, whatever became of it: an index is closed only after. */
  #committing: Promise<void> = Promise.resolve();
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Where nothing can be written: what the index does not know. */
  readonly #overlay = new IndexOverlay();

  constructor(options: DatadirIndexOptions) {
    this.#options = options;
    this.#opening = new IndexOpening(options);
    this.#generation = new CacheGeneration(options.generation, options.onLoss);
  }

  /** Whether `ready` has been done. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Opens what is there, at once; false where it cannot be used. It may be behind. */
  openNow(): boolean {
    if (!this.#tried) {
      // Where it throws, as when there is no descriptor left, it is tried again: an index that was not opened is not empty.
      const opened = this.#opening.open();
      if (typeof opened === 'string') this.#unusable = opened;
      else this.#take(opened);
      this.#tried = true;
    }
    return this.#index !== undefined;
  }

  /** Opens the index, makes it again where needed, and catches up with the data files. */
  async ready(signal?: AbortSignal): Promise<void> {
    if (this.#isReady) return;
    this.#readying ??= this.#makeReady(signal).finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
  }

  async #makeReady(signal: AbortSignal | undefined): Promise<void> {
    this.openNow();
    if (this.#unusable !== undefined) {
      this.#take(this.#opening.makeAnew(this.#unusable));
      // Only now: where this failed it is tried again, as an index that could not be made is not empty.
      this.#unusable = undefined;
    }
    await this.#catchUp(this.#behind, signal);
    this.#behind = [];
    this.#opening.noteReady();
    this.#isReady = true;
  }

  #take({ index, behind, unwritable }: OpenedIndex): void {
    this.#unwritable = unwritable;
    this.#behind = behind;
    if (index === undefined) return;
    this.#index = index;
    this.#indexId = index.id;
    if (!this.#options.readOnly) this.#generation.begin(index);
  }

  async #catchUp(behind: readonly BehindFile[], signal: AbortSignal | undefined): Promise<void> {
    if (behind.length === 0) return;
    const index = this.#index;
    // The last of the room is for what a session changes.
    let takesMore = index !== undefined && !this.#options.readOnly && roomBeside(this.#options.indexFolder) >= MIN_ROOM;
    const sink: IndexSink = {
      commit: async (batch) => {
        if (takesMore) {
          try {
            await index?.commit(batch, this.#indexId);
            return;
          } catch {
            // As on a full disk: the Blocks can be read all the same, and a later session tells the index.
            takesMore = false;
          }
        }
        this.#overlay.add(batch, this.#options.generation());
      },
    };
    await this.#options.catchUp(behind, sink, {
      signal,
      onNotice: this.#options.onNotice,
      sync: this.#options.shared && !this.#options.readOnly,
    });
    this.refresh();
  }

  /** Sees what other processes have committed. */
  refresh(): void {
    try {
      this.#index?.refresh();
    } catch (error) {
      // What was seen before can be read on; who changes the index next makes it again.
      if (!(error instanceof IndexDamagedError)) throw error;
    }
  }

  /** Where a Block is, or undefined. */
  get(digest: Uint8Array): Location | undefined {
    return this.#index?.get(digest) ?? this.#overlay.get(digest);
  }

  /** Whether a Block is known. */
  has(digest: Uint8Array): boolean {
    if (this.#index?.has(digest) === true) return true;
    return this.#overlay.has(digest, () => this.#options.generation());
  }

  /** What the index could not take, and where it is: {@link takeRest} puts it in. */
  rest(): Generator<readonly [digest: Uint8Array, location: Location]> {
    return this.#overlay.entries();
  }

  /**
   * The generation of the index, its last change and about how many Blocks it has, as it was refreshed last. While the first two
   * are the same, no other session has added or taken away. NaN where not all that is known is in the index.
   */
  standing(): { readonly generation: string | undefined; readonly blocks: number; readonly changes: number } {
    const index = this.#index;
    const isAll = index !== undefined && this.#overlay.isEmpty;
    return {
      generation: index?.setting('generation'),
      blocks: isAll ? index.blockCount() : Number.NaN,
      changes: isAll ? index.changes : Number.NaN,
    };
  }

  /** See {@link BlockIndex.presentDigests}. */
  presentDigests(after: Uint8Array | undefined, limit: number): PresentDigests {
    return this.#index?.presentDigests(after, limit) ?? { digests: [], count: 0, last: undefined };
  }

  /** A value of the cache. */
  cacheGet(key: Uint8Array): Uint8Array | undefined {
    return this.#generation.get(this.#index, key);
  }

  /** Drops the cache, here and for every session that opens the Store later: Blocks that it counts on are not there. */
  dropCache(): void {
    if (!this.#options.readOnly && this.#index !== undefined) this.#generation.drop(this.#index);
  }

  /** Begins a new generation of the Store: every session's cache is void from now on. */
  beginGeneration(): void {
    if (this.#index !== undefined) this.#generation.beginNext(this.#index);
  }

  /** The Store's generation at present. */
  get generation(): number {
    return this.#options.generation();
  }

  /** A setting kept with the index; see {@link DatadirIndex.rewrite}. */
  setting(name: string): string | undefined {
    return this.#index?.setting(name);
  }

  /** Blocks and where they are, ascending by digest, at most `limit`, all after `after`; of the index alone. */
  entries(after: Uint8Array | undefined, limit: number): (readonly [digest: Uint8Array, location: Location])[] {
    return this.#index?.entries(after, limit) ?? [];
  }

  /** Whether there is an index that was opened: without one nothing is known of what is in the data files. */
  get isOpen(): boolean {
    return this.#index !== undefined;
  }

  /** Whether another session has made the index again since this one opened it: it may not know all Blocks yet. */
  get isMadeAnew(): boolean {
    return this.#index !== undefined && this.#index.id !== this.#indexId;
  }

  /** See {@link BlockIndex.rewrite}: of the index that this session has opened. @throws {IndexDamagedError} also where there is none */
  rewrite(
    changes: readonly IndexRewrite[],
    marks: ReadonlyMap<string, FileMarks>,
    settings: Readonly<Record<string, string>> = {},
  ): number {
    if (this.#index === undefined) throw new IndexDamagedError('it is not open');
    return this.#index.rewrite(changes, marks, settings, this.#indexId);
  }

  /** The marks of every file known. */
  marks(): Map<string, FileMarks> {
    return new Map([...(this.#index?.marks() ?? []), ...this.#overlay.marks]);
  }

  /** The marks of the index alone: they say which files a writer may continue with. */
  indexMarks(): Map<string, FileMarks> {
    return this.#index?.marks() ?? new Map<string, FileMarks>();
  }

  /**
   * Puts a batch at once.
   *
   * @returns the last change of the index before it, and the one that it is
   */
  async commit(batch: IndexBatch): Promise<{ readonly before: number; readonly after: number }> {
    await this.ready();
    const index = this.#index;
    if (index === undefined) {
      if (this.#unwritable !== undefined) throw this.#unwritable;
      return { before: Number.NaN, after: Number.NaN };
    }
    const generation = this.#generation.own;
    const committing = index.commit({ ...batch, ...(generation === undefined ? {} : { generation }) }, this.#indexId);
    this.#committing = committing.then(
      () => undefined,
      () => undefined,
    );
    const committed = await committing;
    this.#rebuilt = false;
    return committed;
  }

  /** Digests in ascending order, at most `limit`, all after `after`. */
  digests(after: Uint8Array | undefined, limit: number): Uint8Array[] {
    return this.#overlay.withDigests(this.#index?.digests(after, limit) ?? [], after, limit);
  }

  /**
   * Looks for what the data files hold and the index does not know: after a miss. Looks at most every so often.
   *
   * @returns whether there was something
   */
  async lookAgain(signal?: AbortSignal): Promise<boolean> {
    const nowMs = this.#options.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return false;
    this.#lookedMs = nowMs;
    const own = this.#options.ownFiles();
    const behind = compareMarks(this.#options.dataFolder, this.marks()).behind.filter((file) => !own.includes(file.name));
    await this.#catchUp(behind, signal);
    return behind.length > 0;
  }

  /**
   * Makes the index again, as it says what is not so. Again only once the one that was made has taken something.
   *
   * @returns whether it was done
   */
  async rebuild(reason: string, signal?: AbortSignal): Promise<boolean> {
    if (this.#rebuilt) return false;
    this.#rebuilt = true;
    const index = this.#index;
    this.#opening.giveUp(this.#indexId);
    this.#index = undefined;
    this.#overlay.clear();
    this.#unusable = reason;
    this.#isReady = false;
    this.#readying = this.#committing
      .then(() => index?.close())
      .then(() => this.#makeReady(signal))
      .finally(() => {
        this.#readying = undefined;
      });
    await this.#readying;
    return true;
  }

  /**
   * Puts into the index what it could not take before, for lack of room: all of it.
   *
   * @param limit - Blocks put at a time
   * @throws the system's error where there is no room yet
   */
  async takeRest(limit: number): Promise<void> {
    if (this.#index === undefined && this.#unwritable !== undefined) {
      const made = this.#opening.make();
      if (typeof made === 'string') throw new IndexDamagedError(made);
      this.#take(made);
      if (made.unwritable !== undefined) throw made.unwritable;
    }
    const index = this.#index;
    if (index === undefined) return;
    await this.#overlay.moveInto(limit, async (batch) => await index.commit(batch, this.#indexId));
    index.refresh();
  }

  /** Merges runs of the index where there are many. */
  async compact(): Promise<void> {
    await this.#index?.compact();
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#readying?.catch(() => undefined);
    await this.#committing;
    const index = this.#index;
    this.#index = undefined;
    index?.close();
  }
}

function roomBeside(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
