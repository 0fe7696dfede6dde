import { IngestJobs } from './ingest-jobs.ts';
import type { Job, JobResult, ParseJob, WorkerSetup } from './ingest-protocol.ts';
import { WorkerPool } from './worker-pool.ts';

/** Bytes that the main thread works at itself before it starts workers, which takes some 50 ms. */
const INLINE_SIZE = 4 * 1024 * 1024;

/**
 * Bytes of a part of a content up to which the main thread works at it itself, also beside workers. A message and its answer take as long:
 * 85 µs a small file of a mount, of 730 in all.
 */
const SHORT_SIZE = 32 * 1024;

/** Bytes a file, on average, up to which the main thread is as busy with each as a worker: it has a core for itself then. */
const SMALL_AVERAGE = 64 * 1024;

/** How many workers an ingest may have. */
export interface WorkerCounts {
  /** 0: none. */
  readonly most: number;
  /** Where files are small. */
  readonly forSmallFiles: number;
}

/** Where jobs of an ingest are done: here as long as there is little to do, and else in workers. */
export class JobPlaces implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #pool: WorkerPool | undefined;
  readonly #workers: WorkerCounts;
  readonly #onFailure: (error: unknown) => void;
  /** Which worker has the parser of a content, by its number; undefined for this thread. */
  readonly #parsedAt = new Map<number, number | undefined>();
  #inline: IngestJobs | undefined;
  #inlineSize = 0;
  /** Files that are known to come, and their bytes. */
  #files = 0;
  #expectedSize = 0;

  /** @param onFailure - the workers failed, and not one job */
  constructor(setup: Omit<WorkerSetup, 'thread'>, workers: WorkerCounts, onFailure: (error: unknown) => void) {
    this.#setup = setup;
    this.#pool = workers.most === 0 ? undefined : new WorkerPool(setup);
    this.#workers = workers;
    this.#onFailure = onFailure;
  }

  /** A file of so many bytes will come: workers start while this thread does what comes first. */
  expect(size: number): void {
    this.#files++;
    this.#expectedSize += size;
    if (this.#expectedSize > INLINE_SIZE) this.#startWorkers();
  }

  /** Does a job. @param size - bytes that it reads */
  run(job: Job, size: number): Promise<JobResult> {
    this.#inlineSize += size;
    const pool = this.#pool;
    if (pool === undefined || isShort(job) || (!pool.isUp && this.#inlineSize <= INLINE_SIZE)) return this.#runHere(job);
    this.#startWorkers();
    return this.#watched(pool, pool.run(job));
  }

  /** Does the first job of a content's parser where there is room, and all further ones there too. */
  parse(job: ParseJob, isLarge: boolean): Promise<JobResult> {
    const pool = this.#pool;
    if (!this.#parsedAt.has(job.content)) {
      if (isLarge) this.#startWorkers();
      const threads = isShort(job) ? 0 : (pool?.threads ?? 0);
      this.#parsedAt.set(job.content, threads > 0 ? job.content % threads : undefined);
    }
    const place = this.#parsedAt.get(job.content);
    if (job.part === 'end') this.#parsedAt.delete(job.content);
    if (place === undefined || pool === undefined) return this.#runHere(job);
    return this.#watched(pool, pool.runAt(place, job));
  }

  /** Has as many workers as what is known to come is worth. */
  #startWorkers(): void {
    const areSmall = this.#expectedSize < this.#files * SMALL_AVERAGE;
    this.#pool?.start(areSmall ? this.#workers.forSmallFiles : this.#workers.most);
  }

  #watched(pool: WorkerPool, done: Promise<JobResult>): Promise<JobResult> {
    done.catch((error: unknown) => {
      if (pool.failed) this.#onFailure(error);
    });
    return done;
  }

  #runHere(job: Job): Promise<JobResult> {
    this.#inline ??= new IngestJobs({ ...this.#setup, thread: 0 });
    try {
      return Promise.resolve(this.#inline.run(job));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool?.[Symbol.asyncDispose]();
  }
}

/** Whether this thread does a job as fast as it hands it over. */
function isShort(job: Job): boolean {
  switch (job.kind) {
    case 'scan':
    case 'parse':
      return job.length <= SHORT_SIZE;
    case 'hash': {
      const { ranges } = job;
      let size = 0;
      for (let i = 0; i < ranges.length; i += 2) size += (ranges[i + 1] ?? 0) - (ranges[i] ?? 0);
      return size <= SHORT_SIZE;
    }
    case 'contents':
      return job.sizes.reduce((sum, size) => sum + size, 0) <= SHORT_SIZE;
    case 'small':
      return false;
  }
}
