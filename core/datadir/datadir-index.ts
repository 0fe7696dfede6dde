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

/** With fewer bytes of free disk space, records that are not in the index are kept in memory. */
const MIN_ROOM = 2 * 1024 * 1024;
/** Minimum milliseconds between two searches for records that other processes have not indexed. */
const LOOK_AGAIN_MS = 200;

/** Reads the records of data files after their marks into a sink. */
export type CatchUp = (behind: readonly BehindFile[], sink: IndexSink, options: CatchUpOptions) => Promise<void>;

export interface DatadirIndexOptions extends IndexOpeningOptions {
  /** Whether other processes may write data files. */
  readonly shared: boolean;
  readonly catchUp: CatchUp;
  /** Files that this session is writing, which it indexes itself. */
  readonly ownFiles: () => readonly string[];
  /** The Store's generation. A cache of another generation is dropped. */
  readonly generation: () => number;
  /** A monotonic clock, in milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * Manages the index of a datadir. It is opened at the first use, and updated from the data files. If it is missing, damaged, or belongs to
 * another Store, it is made again from them.
 */
export class DatadirIndex {
  readonly #options: DatadirIndexOptions;
  readonly #opening: IndexOpening;
  readonly #generation: CacheGeneration;
  #index: BlockIndex | undefined;
  #behind: readonly BehindFile[] = [];
  /** Why the index on disk cannot be used. */
  #unusable: string | undefined;
  /** Why no index can be made. Its entries are then kept in memory. */
  #unwritable: unknown;
  /** The id of the index when it was opened. This session's marks are valid only for that index. */
  #indexId = '';
  #tried = false;
  #readying: Promise<void> | undefined;
  #isReady = false;
  #rebuilt = false;
  /** Resolves when the last commit has ended, also if it failed. The index is closed only after that. */
  #committing: Promise<void> = Promise.resolve();
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Entries that could not be written to the index. */
  readonly #overlay = new IndexOverlay();

  constructor(options: DatadirIndexOptions) {
    this.#options = options;
    this.#opening = new IndexOpening(options);
    this.#generation = new CacheGeneration(options.generation, options.onLoss);
  }

  /** Whether `ready` has succeeded. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Opens an existing index, synchronously. It may lack recent Blocks. @returns false if it cannot be used */
  openNow(): boolean {
    if (!this.#tried) {
      // If it throws, for instance without free descriptors, the next call tries again. It must not be taken for an empty index.
      const opened = this.#opening.open();
      if (typeof opened === 'string') this.#unusable = opened;
      else this.#take(opened);
      this.#tried = true;
    }
    return this.#index !== undefined;
  }

  /** Opens the index, makes it again if necessary, and adds what the data files have beyond it. */
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
      // Only now: if this failed, the next call must try again.
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
    // The last disk space is reserved for changes of sessions.
    let takesMore = index !== undefined && !this.#options.readOnly && roomBeside(this.#options.indexFolder) >= MIN_ROOM;
    const sink: IndexSink = {
      commit: async (batch) => {
        if (takesMore) {
          try {
            await index?.commit(batch, this.#indexId);
            return;
          } catch {
            // For instance a full disk. The Blocks can still be read, and a later session indexes them.
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

  /** Makes commits of other processes visible. */
  refresh(): void {
    try {
      this.#index?.refresh();
    } catch (error) {
      // The previous view can still be read. The next change of the index makes it again.
      if (!(error instanceof IndexDamagedError)) throw error;
    }
  }

  /** The location of a Block, or undefined. */
  get(digest: Uint8Array): Location | undefined {
    return this.#index?.get(digest) ?? this.#overlay.get(digest);
  }

  /** Whether a Block is known. */
  has(digest: Uint8Array): boolean {
    if (this.#index?.has(digest) === true) return true;
    return this.#overlay.has(digest, () => this.#options.generation());
  }

  /** Entries that could not be written to the index. {@link takeRest} writes them. */
  rest(): Generator<readonly [digest: Uint8Array, location: Location]> {
    return this.#overlay.entries();
  }

  /**
   * The generation of the index, its last change, and the approximate number of Blocks, at the last refresh. While the first two are the
   * same, no other session has added or removed Blocks. NaN if some entries are not in the index.
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

  /** Drops the cache, for this session and later ones, because Blocks to which it refers are missing. */
  dropCache(): void {
    if (!this.#options.readOnly && this.#index !== undefined) this.#generation.drop(this.#index);
  }

  /** Begins a new generation of the Store, which invalidates the cache of every session. */
  beginGeneration(): void {
    if (this.#index !== undefined) this.#generation.beginNext(this.#index);
  }

  /** The Store's current generation. */
  get generation(): number {
    return this.#options.generation();
  }

  /** A setting kept with the index; see {@link DatadirIndex.rewrite}. */
  setting(name: string): string | undefined {
    return this.#index?.setting(name);
  }

  /** Blocks and their locations in the index, ascending by digest, at most `limit`, all after `after`. */
  entries(after: Uint8Array | undefined, limit: number): (readonly [digest: Uint8Array, location: Location])[] {
    return this.#index?.entries(after, limit) ?? [];
  }

  /** Whether an index is open. Without one, the contents of the data files are unknown. */
  get isOpen(): boolean {
    return this.#index !== undefined;
  }

  /** Whether another session has made the index again since this one opened it. It may not have all Blocks yet. */
  get isMadeAnew(): boolean {
    return this.#index !== undefined && this.#index.id !== this.#indexId;
  }

  /** See {@link BlockIndex.rewrite}. @throws {IndexDamagedError} also if no index is open, or it has been made again */
  rewrite(
    changes: readonly IndexRewrite[],
    marks: ReadonlyMap<string, FileMarks>,
    settings: Readonly<Record<string, string>> = {},
  ): number {
    if (this.#index === undefined) throw new IndexDamagedError('it is not open');
    return this.#index.rewrite(changes, marks, settings, this.#indexId);
  }

  /** The marks of all known files. */
  marks(): Map<string, FileMarks> {
    return new Map([...(this.#index?.marks() ?? []), ...this.#overlay.marks]);
  }

  /** The marks in the index only. They show which files a writer may continue. */
  indexMarks(): Map<string, FileMarks> {
    return this.#index?.marks() ?? new Map<string, FileMarks>();
  }

  /**
   * Commits a batch in one transaction.
   *
   * @returns the number of the index's last change before the batch, and that of the batch
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
   * Searches the data files for records that are not indexed, after a miss. Does nothing within {@link LOOK_AGAIN_MS} of the last search.
   *
   * @returns whether there were any
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
   * Makes a wrong index again. Does so a second time only after a successful commit to the new one.
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
   * Writes all entries to the index that could not be written before, for lack of disk space.
   *
   * @param limit - Blocks per transaction
   * @throws the system's error if there is still no space
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

  /** Merges runs of the index if there are many. */
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
