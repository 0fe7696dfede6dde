import { Worker } from 'node:worker_threads';
import type { PackedSegments } from '../../core/export/segment-rows.ts';
import type { ReadAnswer, ReadJob, ReadWorkerData } from './read-part.ts';
import { PART_SIZE } from './read-part.ts';

/** Parts in memory, of all files that are read through. */
export const SLOTS = 24;

/** Told once: whether the slot holds the part. */
export type PartDone = (ok: boolean) => void;

interface PoolWorker {
  readonly thread: Worker;
  readonly jobs: Map<number, PartDone>;
}

/**
 * Worker threads that read and verify parts of contents ahead of need. They start with the first part, and keep the
 * process alive only while they have something to do.
 */
export class ReadPool implements Disposable {
  readonly #hashName: string;
  readonly #size: number;
  readonly #slots = new SharedArrayBuffer(SLOTS * PART_SIZE);
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => slot);
  readonly #workers: PoolWorker[] = [];
  #isReady = false;
  #closed = false;

  /** @param size - threads */
  constructor(hashName: string, size: number) {
    this.#hashName = hashName;
    this.#size = size;
  }

  get hasRoom(): boolean {
    return this.#free.length > 0;
  }

  /** Whether a thread runs; the first who asks lets them start, which takes longer than to read some MiB without them. */
  get isReady(): boolean {
    if (!this.#isReady) this.#startAll();
    return this.#isReady;
  }

  #startAll(): void {
    while (!this.#closed && this.#workers.length < this.#size) this.#workers.push(this.#start());
  }

  /** A slot that nobody uses, or undefined. */
  take(): number | undefined {
    return this.#free.pop();
  }

  /** Gives a slot back. No job may be under way for it. */
  give(slot: number): void {
    this.#free.push(slot);
  }

  /** What stands in a slot. */
  view(slot: number, from: number, to: number): Uint8Array {
    return Buffer.from(this.#slots as unknown as ArrayBuffer, slot * PART_SIZE + from, to - from);
  }

  /** Lets a worker fill a slot. */
  fill(slot: number, segments: PackedSegments, done: PartDone): void {
    this.#startAll();
    const [first, ...rest] = this.#workers;
    if (first === undefined) {
      done(false);
      return;
    }
    const worker = rest.reduce((best, other) => (other.jobs.size < best.jobs.size ? other : best), first);
    worker.jobs.set(slot, done);
    worker.thread.ref();
    const job: ReadJob = { slot, segments };
    worker.thread.postMessage(job, [segments.cells.buffer, segments.digests.buffer, segments.literals.buffer]);
  }

  #start(): PoolWorker {
    const workerData: ReadWorkerData = { hashName: this.#hashName, slots: this.#slots };
    const thread = new Worker(new URL('./read-worker.js', import.meta.url), { workerData });
    const worker: PoolWorker = { thread, jobs: new Map() };
    thread.once('online', () => {
      this.#isReady = true;
    });
    thread.on('message', ({ slot, failure }: ReadAnswer) => {
      const done = worker.jobs.get(slot);
      worker.jobs.delete(slot);
      if (worker.jobs.size === 0) thread.unref();
      done?.(failure === undefined);
    });
    const lost = (): void => {
      const at = this.#workers.indexOf(worker);
      if (at >= 0) this.#workers.splice(at, 1);
      for (const done of worker.jobs.values()) done(false);
      worker.jobs.clear();
    };
    thread.on('error', lost);
    thread.on('exit', lost);
    thread.unref();
    return worker;
  }

  /** Ends the threads once they have done what they were given. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { thread } of this.#workers.splice(0)) thread.postMessage(undefined);
  }
}
