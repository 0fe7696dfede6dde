import { IngestJobs } from './ingest-jobs.ts';
import type { Job, JobResult, ParseJob, WorkerSetup } from './ingest-protocol.ts';
import { WorkerPool } from './worker-pool.ts';

/** Octets that the main thread works at itself before it starts workers, which takes some 50 ms. */
const INLINE_SIZE = 4 * 1024 * 1024;

/** Where jobs of an ingest are done: here as long as there is little to do, and else in workers. */
export class JobPlaces implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #pool: WorkerPool | undefined;
  readonly #onFailure: (error: unknown) => void;
  /** Which worker has the parser of a content, by its number; undefined for this thread. */
  readonly #parsedAt = new Map<number, number | undefined>();
  #inline: IngestJobs | undefined;
  #inlineSize = 0;
  /** Octets that are known to come. */
  #expectedSize = 0;

  /** @param onFailure - the workers failed, and not one job */
  constructor(setup: Omit<WorkerSetup, 'thread'>, workers: number, onFailure: (error: unknown) => void) {
    this.#setup = setup;
    this.#pool = workers === 0 ? undefined : new WorkerPool(setup, workers);
    this.#onFailure = onFailure;
  }

  /** So many octets will come: workers start while this thread does what comes first. */
  expect(size: number): void {
    this.#expectedSize += size;
    if (this.#expectedSize > INLINE_SIZE) this.#pool?.start();
  }

  /** Does a job. @param size - octets that it reads */
  run(job: Job, size: number): Promise<JobResult> {
    this.#inlineSize += size;
    const pool = this.#pool;
    if (pool !== undefined && (pool.isUp || this.#inlineSize > INLINE_SIZE)) return this.#watched(pool, pool.run(job));
    return this.#runHere(job);
  }

  /** Does the first job of a content's parser where there is room, and all further ones there too. */
  parse(job: ParseJob, isLarge: boolean): Promise<JobResult> {
    const pool = this.#pool;
    if (!this.#parsedAt.has(job.content)) {
      const inWorker = pool !== undefined && (pool.started || isLarge);
      this.#parsedAt.set(job.content, inWorker ? job.content : undefined);
    }
    const place = this.#parsedAt.get(job.content);
    if (job.part === 'end') this.#parsedAt.delete(job.content);
    if (place === undefined || pool === undefined) return this.#runHere(job);
    return this.#watched(pool, pool.runAt(place, job));
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
