import { VtError } from '../../base/errors.ts';
import { idlest, WorkerThread } from '../../base/worker-thread.ts';
import type { Job, JobReply, JobResult, WorkerSetup } from './ingest-protocol.ts';
import { revivedError } from './ingest-protocol.ts';

/** Maximum jobs of a worker at a time: one in progress, and two so that it need not wait for the main thread. */
const MAX_JOBS_AT_WORKER = 3;

interface QueuedJob {
  readonly job: Job;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

type PoolThread = WorkerThread<Job, JobReply>;

/** The worker threads of an ingest. */
export class WorkerPool implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #threads: PoolThread[] = [];
  /** Jobs that free slots have priority over jobs that begin to use one, because slots are limited. */
  readonly #urgent: QueuedJob[] = [];
  readonly #usual: QueuedJob[] = [];
  #isUp = false;
  #failure: Error | undefined;

  constructor(setup: Omit<WorkerSetup, 'thread'>) {
    this.#setup = setup;
  }

  /** Whether the pool failed, because a worker ended, or was closed. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** The number of workers that run or are starting. */
  get threads(): number {
    return this.#threads.length;
  }

  /** Whether at least one worker runs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Starts workers until there are at least `threads`. Starting takes about 50 ms, so call this before there are jobs. */
  start(threads: number): void {
    if (this.#failure === undefined) while (this.#threads.length < threads) this.#startOne();
  }

  /** Runs a job in any worker; rejects with the job's error. */
  run(job: Job): Promise<JobResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      (job.kind === 'hash' ? this.#urgent : this.#usual).push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  /**
   * Runs a job in a certain worker, after its other jobs; rejects with the job's error. The caller must limit the number of jobs.
   *
   * @param place - the number of the worker, 0 to `threads` - 1
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
