import { availableParallelism } from 'node:os';
import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { threadsAtMost } from '../../base/system/thread-room.ts';
import type { Block } from '../../block/block.ts';
import { PendingBlocks } from '../../block/block-sink.ts';
import { HASH_SCRATCH_SIZE } from '../../block/hash.ts';
import { SEALED_OVERHEAD } from '../../block/sealed-bytes.ts';
import { capability } from '../../store/capability.ts';
import type { Store } from '../../store/store.ts';
import { parserOf } from '../choose-parser.ts';
import { KERNEL_SCRATCH_SIZE } from '../edge-kernel.ts';
import type { ContentHint } from '../parser.ts';
import type { AddedBlocks, IntakeCounts } from './block-intake.ts';
import { BlockIntake } from './block-intake.ts';
import type { Growth, GrowthSource } from './ingest-growth.ts';
import { ingestGrowth } from './ingest-growth.ts';
import type { ContentsResult, Job, JobResult, LeafTable, ScanResult, SmallResult } from './ingest-protocol.ts';
import { ingestStream } from './ingest-stream.ts';
import type { FilePlace, IngestedFile, QueuedFile, SeenFile } from './ingested-file.ts';
import { JobPlaces } from './job-places.ts';
import { LargeFiles } from './large-files.ts';
import type { LaneContext } from './slice-lane.ts';
import { FreeSlots, slotLayout, slotMemory } from './slots.ts';
import { SmallContents } from './small-contents.ts';
import { SmallFiles } from './small-files.ts';

/** Files of up to this many bytes are read as a whole, many into one slot. */
const SMALL_FILE_SIZE = 512 * 1024;

/** Contents in memory of up to this many bytes are stored together. */
export const SMALL_CONTENT_SIZE = 64 * 1024;

/** More than two threads brought no gain, since the Store appends with one. */
const MAX_DEFAULT_WORKERS = 2;

/** Waiting batches and large files from which on it is `busy`. */
const MAX_WAITING = 3;

/** Bytes of pending superblocks after which they are sent to the Store, if the caller does not do it. */
const MAX_PENDING_SIZE = 1024 * 1024;

export interface IngestOptions extends OpOptions {
  /** Worker threads, 0 for none; default: the number of cores, at most 2. */
  readonly workers?: number | undefined;
  /** Store nothing; count what would be new. */
  readonly plan?: boolean | undefined;
  /** The name of the parser for all contents, or `none`; default: chosen for each content. */
  readonly parser?: string | undefined;
}

/**
 * Stores contents. They are read into shared memory, cut and hashed in worker threads, added in batches, and referenced by Block trees. The
 * same bytes always give the same reference. Memory is bounded by the slots.
 *
 * Leaves go to the Store at once. Superblocks wait in `pending` until `flushPending`.
 */
export class Ingest implements AsyncDisposable {
  /** Superblocks, and small Blocks that the caller adds, which wait for `flushPending`. */
  readonly pending: PendingBlocks;
  readonly #intake: BlockIntake;
  readonly #slots: FreeSlots;
  readonly #jobs: JobPlaces;
  readonly #lane: LaneContext;
  readonly #smallFiles: SmallFiles;
  readonly #largeFiles: LargeFiles;
  readonly #smallContents: SmallContents;
  #contents = 0;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#fail(new VtError('ECANCELLED', 'cancelled', { cause: this.#signal?.reason }));
  #readBytes = 0;
  /** The first error of the Store or the workers. All later calls fail with it. */
  #failure: { readonly error: unknown } | undefined;
  /** Resolves when the last `flushPending` has ended, also if it failed. */
  #flushing: Promise<void> = Promise.resolve();
  /** The number of files in progress, and the callers that wait for them or for room. */
  #open = 0;
  readonly #waiters: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  constructor(store: Store, options: IngestOptions = {}) {
    this.#signal = options.signal;
    const intake = new BlockIntake(store, { plan: options.plan, signal: options.signal });
    this.#intake = intake;
    this.pending = new PendingBlocks(store.hashName);
    const cores = availableParallelism();
    const workers = options.workers ?? threadsAtMost(Math.min(MAX_DEFAULT_WORKERS, cores));
    const forSmallFiles = options.workers ?? Math.min(workers, Math.max(1, cores - 1));
    const sink = capability(store, 'recordSink');
    const blockKeys = sink?.blockKeys;
    const scratchSize = KERNEL_SCRATCH_SIZE + HASH_SCRATCH_SIZE;
    const layout = slotLayout(store.edges, workers + 1, scratchSize, blockKeys === undefined ? 0 : SEALED_OVERHEAD);
    const memory = slotMemory(layout);
    const bytes = new Uint8Array(memory.buffer);
    this.#slots = new FreeSlots(layout.slots);
    const setup = {
      memory,
      layout,
      edges: store.edges,
      hashName: store.hashName,
      compression: sink?.compression ?? 'none',
      blockKeys,
      parser: options.parser,
    };
    this.#jobs = new JobPlaces(setup, { most: workers, forSmallFiles }, (error) => this.#fail(error));
    this.#lane = {
      edges: store.edges,
      layout,
      bytes,
      sink: this.pending,
      parserOf: (hint, head) => parserOf({ ...hint, parser: hint.parser ?? options.parser }, head, store.edges.minSize),
      nextContent: () => this.#contents++,
      parse: (job, isLarge) => this.#jobs.parse(job, isLarge) as Promise<number[]>,
      hash: (job) => this.#run(job, 0) as Promise<LeafTable>,
      add: (batch) => this.#add(batch),
      get wantsRecords() {
        return intake.wantsRecords;
      },
      scan: (job) => this.#run(job, job.length) as Promise<ScanResult>,
      acquire: () => this.#slots.acquire(),
      tryAcquire: () => this.#slots.tryAcquire(),
      release: (slot) => this.#slots.release(slot),
      relieve: () => this.#relieve(),
      onRead: (size) => {
        this.#readBytes += size;
      },
    };
    const small = {
      hashName: store.hashName,
      bytes,
      slots: this.#slots,
      sink: this.pending,
      wantsRecords: () => intake.wantsRecords,
      add: (batch: AddedBlocks) => this.#add(batch),
      onRead: this.#lane.onRead,
      onFailure: (error: unknown) => this.#fail(error),
    };
    this.#smallContents = new SmallContents({ ...small, layout, run: (job, size) => this.#run(job, size) as Promise<ContentsResult> });
    this.#smallFiles = new SmallFiles({
      ...small,
      run: (job, size) => this.#run(job, size) as Promise<SmallResult>,
      onStart: () => this.#wake(),
      onGrown: (file) => {
        this.#largeFiles.add(file);
      },
    });
    this.#largeFiles = new LargeFiles(this.#lane, () => this.#wake());
    if (options.signal?.aborted === true) this.#onAbort();
    else options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** Counts of the Blocks added so far. */
  counts(): IntakeCounts {
    return this.#intake.counts();
  }

  /** Bytes of contents read so far. If a file is read again, its bytes count again. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Whether a walk should await `ready` before the next file. */
  get busy(): boolean {
    return this.#smallFiles.waitingBatches + this.#largeFiles.waitingFiles >= MAX_WAITING;
  }

  /** Resolves when it is no longer busy. */
  ready(): Promise<void> {
    return this.#until(() => !this.busy);
  }

  /** Resolves when every file has been stored or has failed. */
  settled(): Promise<void> {
    return this.#until(() => this.#open === 0);
  }

  /** The error of the ingest as a whole (Store, worker or signal), not that of a single file. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /**
   * Stores a regular file. Small files form batches. A batch is sent when it is full, on `send`, and when the event loop turns.
   *
   * @param seen - its known status. The result says if it was different or changed during reading
   * @throws an error with the system's code if it cannot be read; the Store's error; ECANCELLED
   */
  file({ dir, name }: FilePlace, seen: SeenFile): Promise<IngestedFile> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    this.#open++;
    return new Promise((resolve, reject) => {
      // Callers that wait for this file resolve before those that wait for all.
      let isOpen = true;
      const done = (): void => {
        if (isOpen) this.#open--;
        isOpen = false;
        this.#wake();
      };
      this.#queue({
        dir,
        name,
        seen,
        resolve: (file) => {
          resolve(file);
          done();
        },
        reject: (error) => {
          reject(error);
          done();
        },
      });
    });
  }

  /**
   * Stores `data`, which must not change until this resolves. Small contents form batches. @param hint - chooses the parser, with the first
   * bytes
   */
  async bytes(data: Uint8Array, hint: ContentHint = {}): Promise<Block> {
    if (data.length > SMALL_CONTENT_SIZE) return await this.stream([data], hint);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#jobs.expect(data.length);
    return await this.#smallContents.add(data, hint);
  }

  /**
   * Stores a content in chunks. A chunk may be reused once the next is requested.
   *
   * @param start - bytes of the content before the first chunk, which are in another Block
   */
  async stream(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, hint: ContentHint = {}, start = 0): Promise<Block> {
    return await ingestStream(this.#lane, chunks, hint, start);
  }

  /** Appends to a growing content. @returns as {@link ingestGrowth} */
  async grow(growth: Growth, source: GrowthSource): Promise<Uint8Array> {
    return await ingestGrowth(this.#lane, growth, source);
  }

  /** Sends the current batch of small files. */
  send(): void {
    this.#smallFiles.send();
  }

  /**
   * Adds the Blocks in `pending` to the Store. When it resolves, all Blocks put there before the call are added, also those that a
   * concurrent call has taken.
   *
   * @throws the Store's error, also at each later call, since a Block of an earlier batch is missing
   */
  flushPending(): Promise<void> {
    const flushed = this.#flushing.then(async () => {
      this.#checkWhole();
      try {
        await this.pending.flushTo(this.#intake);
      } catch (error) {
        this.#fail(error);
        throw error;
      }
      // A batch of leaves may have failed meanwhile.
      this.#checkWhole();
    });
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
  }

  /** Throws if a batch was lost: then no reference made here may be used. */
  #checkWhole(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#fail(new VtError('ECLOSED', 'ingest: already closed'));
    await this.#jobs[Symbol.asyncDispose]();
  }

  #queue(file: QueuedFile): void {
    const size = Number(file.seen.size);
    this.#jobs.expect(size);
    if (size <= SMALL_FILE_SIZE) this.#smallFiles.add(file);
    else this.#largeFiles.add(file);
  }

  /** Sends pending superblocks to the Store if there are many. */
  async #relieve(): Promise<void> {
    if (this.pending.size > MAX_PENDING_SIZE) await this.flushPending();
  }

  async #add(batch: AddedBlocks): Promise<void> {
    try {
      await this.#intake.add(batch);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Runs a job, unless the ingest has failed. @param size - bytes that it reads */
  #run(job: Job, size: number): Promise<JobResult> {
    return this.#failure === undefined ? this.#jobs.run(job, size) : Promise.reject(this.#failure.error);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#slots.fail(error);
    for (const { reject } of [...this.#smallFiles.takeWaiting(), ...this.#largeFiles.takeWaiting()]) reject(error);
    this.#wake();
  }

  #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isDone, resolve }));
  }

  #wake(): void {
    for (let i = this.#waiters.length - 1; i >= 0; i--) {
      const waiter = this.#waiters[i];
      if (waiter === undefined || !(waiter.isDone() || (this.#failure !== undefined && this.#open === 0))) continue;
      this.#waiters.splice(i, 1);
      waiter.resolve();
    }
  }
}
