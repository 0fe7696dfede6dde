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

/** Files up to this many bytes are read whole, many in one slot. */
const SMALL_FILE_SIZE = 512 * 1024;

/** Contents in memory up to this many bytes go into the Store together. */
export const SMALL_CONTENT_SIZE = 64 * 1024;

/** More threads than two gained nothing where the Store appends with one. */
const MAX_DEFAULT_WORKERS = 2;

/** Batches and large files that wait before `busy`. */
const MAX_WAITING = 3;

/** Bytes of superblocks that wait before they go to the Store, where the caller does not see to it. */
const MAX_PENDING_SIZE = 1024 * 1024;

export interface IngestOptions extends OpOptions {
  /** Worker threads; 0: none. Default: as there are cores, at most 2. */
  readonly workers?: number | undefined;
  /** Store nothing; count what would be new. */
  readonly plan?: boolean | undefined;
  /** The name of a parser for all contents, or `none`; default: for each the one that fits. */
  readonly parser?: string | undefined;
}

/**
 * The way of content into a Store: read into shared memory, cut, hashed in worker threads, added in batches, and
 * referred to by block trees. The same bytes give the same reference on every way in. Memory is bounded by the slots.
 *
 * What is read goes to the Store at once; superblocks wait in `pending` until `flushPending`.
 */
export class Ingest implements AsyncDisposable {
  /** Superblocks, and whatever else of small Blocks the caller adds, on their way to the Store. */
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
  /** The first error of the Store or the workers: it counts for everything that comes after. */
  #failure: { readonly error: unknown } | undefined;
  /** The last `flushPending`, whatever became of it. */
  #flushing: Promise<void> = Promise.resolve();
  /** Files not settled yet, and who waits for them or for room. */
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

  /** Bytes of content read so far; those of a file that changes meanwhile count each time. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Whether the walk of a tree should await `ready` before the next file. */
  get busy(): boolean {
    return this.#smallFiles.waitingBatches + this.#largeFiles.waitingFiles >= MAX_WAITING;
  }

  /** Resolves when it is no longer busy. */
  ready(): Promise<void> {
    return this.#until(() => !this.busy);
  }

  /** Resolves when every file handed in is settled. */
  settled(): Promise<void> {
    return this.#until(() => this.#open === 0);
  }

  /** Why the pipeline itself failed (the Store, a worker, the signal), and not one file. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /**
   * Reads a regular file. Small ones go together: the batch is sent when it is full, on `send`, or when the event loop turns.
   *
   * @param seen - how it was seen; of a file that differs when it is read, or changes meanwhile, the result tells
   * @throws a SystemError if it cannot be read; what the Store throws; ECANCELLED
   */
  file({ dir, name }: FilePlace, seen: SeenFile): Promise<IngestedFile> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    this.#open++;
    return new Promise((resolve, reject) => {
      // Callers that wait for all files resolve after those that wait for this one.
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

  /** The Block of `data`, which stays as it is until then. Small ones go together. @param hint - what its parser is chosen by, with its first bytes */
  async bytes(data: Uint8Array, hint: ContentHint = {}): Promise<Block> {
    if (data.length > SMALL_CONTENT_SIZE) return await this.stream([data], hint);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#jobs.expect(data.length);
    return await this.#smallContents.add(data, hint);
  }

  /**
   * The Block of the chunks' content. A chunk may be reused once the next is asked for.
   *
   * @param start - bytes of the content that come before the first chunk, of another Block
   */
  async stream(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, hint: ContentHint = {}, start = 0): Promise<Block> {
    return await ingestStream(this.#lane, chunks, hint, start);
  }

  /** Continues with a content that grows. @returns as {@link ingestGrowth} */
  async grow(growth: Growth, source: GrowthSource): Promise<Uint8Array> {
    return await ingestGrowth(this.#lane, growth, source);
  }

  /** Sends the small files that wait. */
  send(): void {
    this.#smallFiles.send();
  }

  /**
   * Adds what waits in `pending` to the Store. All that was put there before is added once this resolves, also what another
   * call took along.
   *
   * @throws what the Store throws, and from then on always: a Block of an earlier batch is missing
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

  /** Nothing that was built here may be named once a batch is lost. */
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

  /** Sends superblocks to the Store where many wait. */
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

  /** Does a job, unless something has failed before. @param size - bytes that it reads */
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
