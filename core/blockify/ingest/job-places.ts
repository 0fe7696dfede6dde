import { IngestJobs } from './ingest-jobs.ts';
import type { Job, JobResult, ParseJob, WorkerSetup } from './ingest-protocol.ts';
import { WorkerPool } from './worker-pool.ts';

/** Bytes that the main thread handles itself before it starts workers, which takes about 50 ms. */
const INLINE_SIZE = 4 * 1024 * 1024;

/**
 * Jobs with up to this many bytes are always run in the main thread. A message to a worker and its reply would take as long: 85 µs of 730
 * for a small file of a mount.
 */
const SHORT_SIZE = 32 * 1024;

/** Average bytes per file up to which the main thread is as busy with each file as a worker. It then needs a core for itself. */
const SMALL_AVERAGE = 64 * 1024;

/** How many workers an ingest may have. */
export interface WorkerCounts {
  /** Maximum workers; 0 for none. */
  readonly most: number;
  /** Maximum workers if files are small. */
  readonly forSmallFiles: number;
}

/** Decides where jobs of an ingest run: in this thread while there is little work, else in workers. */
export class JobPlaces implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #pool: WorkerPool | undefined;
  readonly #workers: WorkerCounts;
  readonly #onFailure: (error: unknown) => void;
  /** The worker that has a content's parser, by the content's number; undefined for this thread. */
  readonly #parsedAt = new Map<number, number | undefined>();
  #inline: IngestJobs | undefined;
  #inlineSize = 0;
  /** The number of announced files, and their bytes. */
  #files = 0;
  #expectedSize = 0;

  /** @param onFailure - called if the workers fail, not for a failed job */
  constructor(setup: Omit<WorkerSetup, 'thread'>, workers: WorkerCounts, onFailure: (error: unknown) => void) {
    this.#setup = setup;
    this.#pool = workers.most === 0 ? undefined : new WorkerPool(setup);
    this.#workers = workers;
    this.#onFailure = onFailure;
  }

  /** Announces a file of this many bytes, so that workers can start in time. */
  expect(size: number): void {
    this.#files++;
    this.#expectedSize += size;
    if (this.#expectedSize > INLINE_SIZE) this.#startWorkers();
  }

  /** Runs a job. @param size - bytes that it reads */
  run(job: Job, size: number): Promise<JobResult> {
    this.#inlineSize += size;
    const pool = this.#pool;
    if (pool === undefined || isShort(job) || (!pool.isUp && this.#inlineSize <= INLINE_SIZE)) return this.#runHere(job);
    this.#startWorkers();
    return this.#watched(pool, pool.run(job));
  }

  /** Runs a parse job. The first job of a content chooses its thread; all further ones run in the same thread. */
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

  /** Starts as many workers as the announced files justify. */
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

/** Whether this thread runs a job as fast as it could send it to a worker. */
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
