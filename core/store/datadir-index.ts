import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import { withFileLock } from '../base/file-lock.ts';
import { digestKey, digestOfKey } from './digest-key.ts';
import type { BehindFile, CatchUpOptions, IndexSink } from './index-catch-up.ts';
import { compareMarks } from './index-catch-up.ts';
import type { IndexCondition } from './index-check.ts';
import { checkIndex } from './index-check.ts';
import type { FileMarks, IndexBatch, IndexOwner, IndexRewrite, Location, PresentDigests } from './index-types.ts';
import { LmdbIndex } from './lmdb-index.ts';

/** Least time between two looks for what other processes left unindexed, in milliseconds. */
const LOOK_AGAIN_MS = 200;

/** Reads what data files hold beyond their marks into a sink. */
export type CatchUp = (behind: readonly BehindFile[], sink: IndexSink, options: CatchUpOptions) => Promise<void>;

export interface DatadirIndexOptions {
  /** Where the `.vtd` files are. */
  readonly dataFolder: string;
  /** Where the index is, or is to be. */
  readonly indexFolder: string;
  readonly owner: IndexOwner;
  /** Write nothing: what the index does not know is kept in memory. */
  readonly readOnly: boolean;
  /** Data files may be growing under other processes. */
  readonly shared: boolean;
  readonly catchUp: CatchUp;
  /** Files that this session is writing to: it tells the index itself. */
  readonly ownFiles: () => readonly string[];
  /** The Store's generation: a cache of another is dropped. */
  readonly generation: () => number;
  /** Blocks that were there may be gone. */
  readonly onLoss: () => void;
  /** Tell when there was no index at all: false where the data files are another program's. */
  readonly announceFirst: boolean;
  readonly onNotice: (notice: string) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * The index of a datadir through its life: opened at first use, caught up with the data files, and made anew from
 * them where it is missing, damaged, or another's.
 */
export class DatadirIndex {
  readonly #options: DatadirIndexOptions;
  #index: LmdbIndex | undefined;
  #behind: readonly BehindFile[] = [];
  /** Why the index on disk cannot be used. */
  #unusable: string | undefined;
  #tried = false;
  #readying: Promise<void> | undefined;
  #isReady = false;
  #rebuilt = false;
  #announced = false;
  /** What the index does not find it does not have: no octet of it has changed by itself. */
  #isTrusted = false;
  #cacheDropped = false;
  /** The Store's generation when the index was opened: what this session puts into the cache belongs to it. */
  #generation: string | undefined;
  /** The last commit, whatever became of it: an index is closed only after. */
  #committing: Promise<void> = Promise.resolve();
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Where nothing may be written: what the index does not know. */
  readonly #overlay = new Map<string, Location>();
  #overlayMarks = new Map<string, FileMarks>();

  constructor(options: DatadirIndexOptions) {
    this.#options = options;
  }

  /** Whether `ready` has been done. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Opens what is there, at once; false where it cannot be used. It may be behind. */
  openNow(): boolean {
    if (!this.#tried) {
      this.#tried = true;
      this.#unusable = this.#tryOpen();
    }
    return this.#index !== undefined;
  }

  /** Opens the index, makes it anew where needed, and catches up with the data files. */
  async ready(signal?: AbortSignal): Promise<void> {
    if (this.#isReady) return;
    this.#readying ??= this.#makeReady(signal).finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
  }

  async #makeReady(signal: AbortSignal | undefined): Promise<void> {
    this.openNow();
    if (this.#unusable !== undefined) await this.#makeAnew(signal);
    await this.#catchUp(this.#behind, signal);
    this.#behind = [];
    this.#announced = false;
    this.#isReady = true;
  }

  // Gives why the index cannot be used, or undefined once it is open.
  #tryOpen(): string | undefined {
    const { indexFolder, dataFolder, owner, readOnly } = this.#options;
    const file = join(indexFolder, 'data.mdb');
    const existed = existsSync(file);
    if (!existed && readOnly) return 'it is missing';
    const condition: IndexCondition = existed ? checkIndex(indexFolder) : { kind: 'whole' };
    if (condition.kind === 'damaged') return condition.reason;
    this.#isTrusted = condition.kind === 'whole';
    let opened: LmdbIndex | string;
    try {
      opened = LmdbIndex.open(indexFolder, owner, { readOnly });
    } catch (error) {
      // LMDB's own codes are negative and speak of its file; others are the system's, and no fault of the index.
      const { code } = error as { readonly code?: unknown };
      if (readOnly || (existed && typeof code === 'number' && code < 0)) return (error as Error).message;
      if (error instanceof VtError) throw error;
      throw new VtError('EOPEN', `open index "${indexFolder}": ${(error as Error).message}`, { cause: error });
    }
    if (typeof opened === 'string') return opened;
    let marks = opened.marks();
    let state = compareMarks(dataFolder, marks);
    if (state.lost.length > 0) {
      // A gc may have dropped a file between the two looks: it tells the index first.
      opened.refresh();
      marks = opened.marks();
      state = compareMarks(dataFolder, marks);
    }
    const [lost] = state.lost;
    if (lost !== undefined) {
      void opened.close();
      return `data file "${lost}" is gone, or shorter than it was`;
    }
    this.#index = opened;
    this.#behind = state.behind;
    if (!readOnly) this.#useGeneration(opened);
    if (this.#options.announceFirst && marks.size === 0 && state.behind.length > 0) this.#announce('it is missing');
    return undefined;
  }

  #useGeneration(index: LmdbIndex): void {
    const generation = String(this.#options.generation());
    if (index.setting('generation') !== generation) index.dropCache('generation', generation);
    this.#generation = generation;
  }

  // One notice for each time that the index is made anew.
  #announce(reason: string): void {
    if (this.#announced) return;
    this.#announced = true;
    const { indexFolder, readOnly } = this.#options;
    this.#options.onNotice(`index "${indexFolder}": ${reason}; ${readOnly ? 'reading' : 'making it anew from'} the data files`);
  }

  // Several processes may find the index unusable at the same time: one of them makes the new one.
  async #makeAnew(signal: AbortSignal | undefined): Promise<void> {
    const { indexFolder, readOnly, dataFolder } = this.#options;
    const reason = this.#unusable ?? 'it is damaged';
    this.#unusable = undefined;
    if (readOnly) {
      this.#announce(reason);
      this.#behind = compareMarks(dataFolder, new Map()).behind;
      return;
    }
    await withFileLock(
      `${indexFolder}.lock`,
      async () => {
        const again = this.#rebuilt ? reason : this.#tryOpen();
        if (again === undefined) return;
        this.#announce(again);
        const aside = `${indexFolder}.aside`;
        rmSync(aside, { recursive: true, force: true });
        if (existsSync(indexFolder)) renameSync(indexFolder, aside);
        this.#options.onLoss();
        const failure = this.#tryOpen();
        if (failure !== undefined) throw new Error(`make index "${indexFolder}": ${failure}`);
        await Promise.resolve();
      },
      signal,
    );
  }

  async #catchUp(behind: readonly BehindFile[], signal: AbortSignal | undefined): Promise<void> {
    if (behind.length === 0) return;
    const index = this.#index;
    let takesMore = index !== undefined && !this.#options.readOnly;
    const sink: IndexSink = {
      commit: async (batch) => {
        if (takesMore) {
          try {
            await index?.commit(batch);
            return;
          } catch {
            // As on a full disk: the Blocks can be read all the same, and a later session tells the index.
            takesMore = false;
          }
        }
        await this.#intoMemory(batch);
      },
    };
    await this.#options.catchUp(behind, sink, {
      signal,
      onNotice: this.#options.onNotice,
      sync: this.#options.shared && !this.#options.readOnly,
    });
    index?.refresh();
  }

  async #intoMemory(batch: IndexBatch): Promise<void> {
    for (const [digest, location] of batch.blocks) this.#overlay.set(digestKey(digest), location);
    for (const [name, marks] of batch.marks) this.#overlayMarks.set(name, marks);
    await Promise.resolve();
  }

  /** Sees what other processes have committed. */
  refresh(): void {
    this.#index?.refresh();
  }

  /** Where a Block lies, or undefined. */
  get(digest: Uint8Array): Location | undefined {
    return this.#index?.get(digest) ?? (this.#overlay.size > 0 ? this.#overlay.get(digestKey(digest)) : undefined);
  }

  /** Whether a Block is known. */
  has(digest: Uint8Array): boolean {
    return this.#index?.has(digest) === true || (this.#overlay.size > 0 && this.#overlay.has(digestKey(digest)));
  }

  /**
   * The generation that the index is of and how many Blocks it has, as it was refreshed last: while both are as they were, no
   * other session has added or taken away. NaN Blocks where not all that is known is in the index.
   */
  standing(): { readonly generation: string | undefined; readonly blocks: number } {
    const index = this.#index;
    const blocks = index === undefined || this.#overlay.size > 0 ? Number.NaN : index.blockCount();
    return { generation: index?.setting('generation'), blocks };
  }

  /** See {@link LmdbIndex.presentDigests}. */
  presentDigests(after: Uint8Array | undefined, limit: number): PresentDigests {
    return this.#index?.presentDigests(after, limit) ?? { digests: [], count: 0, last: undefined };
  }

  /** A value of the cache. */
  cacheGet(key: Uint8Array): Uint8Array | undefined {
    return this.#index?.cacheGet(key);
  }

  /** Drops the cache, here and for every session that opens the Store later: Blocks that it counts on are not there. */
  dropCache(): void {
    if (this.#options.readOnly || this.#index === undefined || this.#cacheDropped) return;
    this.#cacheDropped = true;
    const isOurs = this.#index.setting('generation') === this.#generation;
    this.#options.onLoss();
    this.#useGeneration(this.#index);
    // Where another session has dropped it before, what this one made of it since its start does not count.
    if (!isOurs) this.#generation = '';
  }

  /** Begins a new generation of the Store: every session's cache is void from now on. */
  beginGeneration(): void {
    if (this.#index === undefined) return;
    this.#options.onLoss();
    this.#useGeneration(this.#index);
  }

  /** The Store's generation at present. */
  get generation(): number {
    return this.#options.generation();
  }

  /** A setting kept with the index; see {@link DatadirIndex.rewrite}. */
  setting(name: string): string | undefined {
    return this.#index?.setting(name);
  }

  /** Blocks and where they lie, ascending by digest, at most `limit`, all after `after`; of the index alone. */
  entries(after: Uint8Array | undefined, limit: number): (readonly [digest: Uint8Array, location: Location])[] {
    return this.#index?.entries(after, limit) ?? [];
  }

  /** See {@link LmdbIndex.rewrite}. */
  rewrite(
    changes: readonly IndexRewrite[],
    marks: ReadonlyMap<string, FileMarks>,
    settings: Readonly<Record<string, string>> = {},
  ): number {
    return this.#index?.rewrite(changes, marks, settings) ?? 0;
  }

  /** The marks of every file known. */
  marks(): Map<string, FileMarks> {
    return new Map([...(this.#index?.marks() ?? []), ...this.#overlayMarks]);
  }

  /** The marks of the index alone: they tell which files a writer may go on with. */
  indexMarks(): Map<string, FileMarks> {
    return this.#index?.marks() ?? new Map<string, FileMarks>();
  }

  /** Puts a batch in one transaction. */
  async commit(batch: IndexBatch): Promise<void> {
    await this.ready();
    const index = this.#index;
    if (index === undefined) return;
    const committing = index.commit({ ...batch, ...(this.#generation === undefined ? {} : { generation: this.#generation }) });
    this.#committing = committing.catch(() => undefined);
    await committing;
  }

  /** Digests in ascending order, at most `limit`, all after `after`. */
  digests(after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const found = this.#index?.digests(after, limit) ?? [];
    if (this.#overlay.size === 0) return found;
    const from = after === undefined ? '' : digestKey(after);
    const merged = new Map(found.map((digest) => [digestKey(digest), digest]));
    for (const hex of this.#overlay.keys()) if (hex > from) merged.set(hex, digestOfKey(hex));
    return [...merged.keys()]
      .sort()
      .slice(0, limit)
      .flatMap((hex) => merged.get(hex) ?? []);
  }

  /**
   * Looks for what the data files hold and the index does not know: after a miss. Looks at most every so often.
   *
   * @returns whether there was something
   * @throws {IndexDamagedError} if what the index holds cannot be
   */
  async lookAgain(signal?: AbortSignal): Promise<boolean> {
    const nowMs = this.#options.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return false;
    this.#lookedMs = nowMs;
    if (!this.#isTrusted && this.#index !== undefined) {
      // A Block whose digest is damaged in the index is not found by it: once a session all that it holds is checked.
      await this.#index.checkAll(signal);
      this.#isTrusted = true;
    }
    const own = this.#options.ownFiles();
    const behind = compareMarks(this.#options.dataFolder, this.marks()).behind.filter((file) => !own.includes(file.name));
    await this.#catchUp(behind, signal);
    return behind.length > 0;
  }

  /**
   * Makes the index anew, as it says what is not so. Once in a session.
   *
   * @returns whether it was done
   */
  async rebuild(reason: string, signal?: AbortSignal): Promise<boolean> {
    if (this.#rebuilt) return false;
    this.#rebuilt = true;
    const index = this.#index;
    this.#index = undefined;
    this.#overlay.clear();
    this.#overlayMarks.clear();
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

  /** Closes it. */
  async close(): Promise<void> {
    await this.#readying?.catch(() => undefined);
    await this.#committing;
    const index = this.#index;
    this.#index = undefined;
    await index?.close();
  }
}
