import { VtError } from '../base/errors.ts';
import { idlest, WorkerThread } from '../base/worker-thread.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { BatchResult, PackedBatch } from './export-batch.ts';
import { transfersOf } from './export-batch.ts';
import { BatchWriter } from './export-writer.ts';

/** Batches that wait in a worker besides the one it works on. */
const MAX_QUEUED = 2;

export interface ExportPoolOptions {
  readonly hashName: HashName;
  readonly sparse: boolean;
  /** Worker threads besides this one, which takes a batch where they have enough; 0 does all work in this thread. */
  readonly workers: number;
}

interface Job {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: unknown) => void;
}

type PoolThread = WorkerThread<PackedBatch, BatchResult>;

/**
 * Writes batches in worker threads, and in this one whenever they have enough to do, as until they have started. A thread that
 * only waits for others is one more to start, and its code one more to compile. The first batch waits for a second one before a
 * thread is started. What fits in one batch is written by this thread, which takes less time than a start (about 40 ms).
 */
export class ExportPool implements AsyncDisposable {
  readonly #options: ExportPoolOptions;
  readonly #threads: PoolThread[] = [];
  #inline: BatchWriter | undefined;
  #held: { readonly batch: PackedBatch; readonly job: Job } | undefined;

  constructor(options: ExportPoolOptions) {
    this.#options = options;
  }

  /** Hands a batch over; resolves when it is written. Await `ready` before the next. */
  async write(batch: PackedBatch): Promise<BatchResult> {
    return await new Promise<BatchResult>((resolve, reject) => {
      const job = { resolve, reject };
      if (this.#options.workers === 0) this.#runInline(batch, job);
      else if (this.#threads.length === 0 && this.#held === undefined) this.#held = { batch, job };
      else {
        this.#start();
        if (this.#isFull()) this.#runInline(batch, job);
        else this.#dispatch(batch, job);
      }
    });
  }

  /** Resolves when the next batch may be handed over. */
  async ready(): Promise<void> {
    // All that this thread does else ends in microtasks: only a turn of the event loop brings answers in.
    if (this.#threads.length > 0 && this.#isFull()) await new Promise((resolve) => setImmediate(resolve));
  }

  #isFull(): boolean {
    return this.#threads.every(({ load }) => load > MAX_QUEUED);
  }

  /** Writes a batch that is held back for want of a second. */
  writeHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    if (this.#threads.length > 0) this.#dispatch(held.batch, held.job);
    else this.#runInline(held.batch, held.job);
  }

  #start(): void {
    while (this.#threads.length < this.#options.workers) {
      this.#threads.push(
        new WorkerThread(new URL('./export-worker.js', import.meta.url), {
          name: 'export',
          setup: { hashName: this.#options.hashName, sparse: this.#options.sparse },
          // The main thread opens and closes directories and large files.
          sharesDescriptors: true,
        }),
      );
    }
    this.writeHeld();
  }

  #dispatch(batch: PackedBatch, { resolve, reject }: Job): void {
    const thread = idlest(this.#threads);
    if (thread === undefined) throw new VtError('ECLOSED', 'export: no worker thread');
    thread.ask(batch, { answered: resolve, lost: reject }, transfersOf(batch));
  }

  #runInline(batch: PackedBatch, job: Job): void {
    this.#inline ??= new BatchWriter(hashByName(this.#options.hashName), this.#options.sparse);
    try {
      job.resolve(this.#inline.run(batch));
    } catch (error) {
      job.reject(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.writeHeld();
    this.#inline?.[Symbol.dispose]();
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }
}
