import { VtError } from '../base/errors.ts';
import { idlest, WorkerThread } from '../base/worker-thread.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { BatchResult, PackedBatch } from './export-batch.ts';
import { transfersOf } from './export-batch.ts';
import { BatchWriter } from './export-writer.ts';

/** Maximum batches that wait in a worker, besides the one in progress. */
const MAX_QUEUED = 2;

export interface ExportPoolOptions {
  readonly hashName: HashName;
  readonly sparse: boolean;
  /** Worker threads besides this one, which writes a batch itself when all are busy. With 0, this thread writes all. */
  readonly workers: number;
}

interface Job {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: unknown) => void;
}

type PoolThread = WorkerThread<PackedBatch, BatchResult>;

/**
 * Writes batches in worker threads. This thread writes a batch itself when all workers are busy, and while they start. A coordinating
 * thread that only waits would be one more to start. Threads are started only with the second batch: to start one takes about 40 ms,
 * longer than to write one batch.
 */
export class ExportPool implements AsyncDisposable {
  readonly #options: ExportPoolOptions;
  readonly #threads: PoolThread[] = [];
  #inline: BatchWriter | undefined;
  #held: { readonly batch: PackedBatch; readonly job: Job } | undefined;

  constructor(options: ExportPoolOptions) {
    this.#options = options;
  }

  /** Writes a batch; resolves when it is written. Await `ready` before the next call. */
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

  /** Resolves when `write` may be called again. */
  async ready(): Promise<void> {
    // This thread otherwise awaits only microtasks, but the replies of workers need a turn of the event loop.
    if (this.#threads.length > 0 && this.#isFull()) await new Promise((resolve) => setImmediate(resolve));
  }

  #isFull(): boolean {
    return this.#threads.every(({ load }) => load > MAX_QUEUED);
  }

  /** Writes the first batch, if it still waits for a second one. */
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
