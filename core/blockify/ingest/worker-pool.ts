import { VtError } from '../../base/errors.ts';
import { idlest, WorkerThread } from '../../base/worker-thread.ts';
import type { Job, JobReply, JobResult, WorkerSetup } from './ingest-protocol.ts';
import { revivedError } from './ingest-protocol.ts';

/** Jobs that a worker has at a time: one to work at, and two so that it need not wait for the main thread. */
const MAX_JOBS_AT_WORKER = 3;

interface QueuedJob {
  readonly job: Job;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

type PoolThread = WorkerThread<Job, JobReply>;

/** Worker threads that do the jobs of an ingest, once they are started. */
export class WorkerPool implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #threads: PoolThread[] = [];
  /** Jobs that end a slot's use go before those that begin one: memory is what runs out. */
  readonly #urgent: QueuedJob[] = [];
  readonly #usual: QueuedJob[] = [];
  #isUp = false;
  #failure: Error | undefined;

  constructor(setup: Omit<WorkerSetup, 'thread'>) {
    this.#setup = setup;
  }

  /** Whether the pool itself failed: a worker ended, or it was closed. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Workers that run, or are starting. */
  get threads(): number {
    return this.#threads.length;
  }

  /** Whether a worker is there to take jobs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Has so many workers, or as many more as there are already. To start takes them some 50 ms: this comes before there is a job. */
  start(threads: number): void {
    if (this.#failure === undefined) while (this.#threads.length < threads) this.#startOne();
  }

  /** Does a job in some worker; rejects with what it threw there. */
  run(job: Job): Promise<JobResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      (job.kind === 'hash' ? this.#urgent : this.#usual).push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  /**
   * Does a job in one worker, after those that it has; rejects with the error thrown there. The caller limits the number of jobs.
   *
   * @param place - 0 to `threads` - 1
   */
  runAt(place: number, job: Job): Promise<JobResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const thread = this.#threads[place];
    if (thread === undefined) return Promise.reject(new RangeError(`ingest: no worker ${place}`));
    return new Promise((resolve, reject) => this.#ask(thread, { job, resolve, reject }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new VtError('ECLOSED', 'ingest: already closed');
    this.#fail(closed);
    await Promise.all(this.#threads.map((thread) => thread.terminate(closed)));
  }

  #startOne(): void {
    const setup: WorkerSetup = { ...this.#setup, thread: this.#threads.length + 1 };
    this.#threads.push(
      new WorkerThread(new URL('./ingest-worker.js', import.meta.url), {
        name: 'ingest',
        setup,
        // It opens files by openat(2).
        sharesDescriptors: true,
        onUp: () => {
          this.#isUp = true;
        },
        onLost: (error) => this.#fail(error),
      }),
    );
  }

  #dispatch(): void {
    for (;;) {
      const thread = idlest(this.#threads);
      if (thread === undefined || thread.load >= MAX_JOBS_AT_WORKER) return;
      const queued = this.#urgent.shift() ?? this.#usual.shift();
      if (queued === undefined) return;
      this.#ask(thread, queued);
    }
  }

  #ask(thread: PoolThread, { job, resolve, reject }: QueuedJob): void {
    thread.ask(job, {
      answered: (reply) => {
        this.#dispatch();
        if ('error' in reply) reject(revivedError(reply.error));
        else resolve(reply.result);
      },
      lost: reject,
    });
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const thread of this.#threads) thread.abandon(error);
    for (const { reject } of [...this.#urgent.splice(0), ...this.#usual.splice(0)]) reject(error);
  }
}
