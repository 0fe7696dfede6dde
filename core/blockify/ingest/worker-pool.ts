import { Worker } from 'node:worker_threads';
import { VtError } from '../../base/errors.ts';
import type { Job, JobReply, JobRequest, JobResult, WorkerSetup } from './ingest-protocol.ts';
import { revivedError } from './ingest-protocol.ts';

/** Jobs that a worker has at a time: one to work at, and two so that it need not wait for the main thread. */
const MAX_JOBS_AT_WORKER = 3;

interface QueuedJob {
  readonly job: Job;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

interface PoolWorker {
  readonly worker: Worker;
  readonly jobs: Map<number, QueuedJob>;
}

/** Worker threads that do the jobs of an ingest. None is started before the first job. */
export class WorkerPool implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'thread'>;
  readonly #size: number;
  readonly #workers: PoolWorker[] = [];
  /** Jobs that end a slot's use go before those that begin one: memory is what runs out. */
  readonly #urgent: QueuedJob[] = [];
  readonly #usual: QueuedJob[] = [];
  #nextId = 0;
  #isUp = false;
  #failure: { readonly error: unknown } | undefined;

  /** @param size - threads, 1 or more */
  constructor(setup: Omit<WorkerSetup, 'thread'>, size: number) {
    this.#setup = setup;
    this.#size = size;
  }

  /** Whether the pool itself failed: a worker ended, or it was closed. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether workers run, or are starting. */
  get started(): boolean {
    return this.#workers.length > 0;
  }

  /** Whether a worker is there to take jobs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Starts the workers, which takes them some 50 ms, before there is a job. */
  start(): void {
    if (this.#failure === undefined) this.#start();
  }

  /** Does a job in some worker; rejects with what it threw there. */
  run(job: Job): Promise<JobResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    this.#start();
    return new Promise((resolve, reject) => {
      (job.kind === 'hash' ? this.#urgent : this.#usual).push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  /**
   * Does a job in the worker of a number, after those that it has; rejects with what it threw there. Whoever calls sees to it that
   * they are few.
   */
  runAt(place: number, job: Job): Promise<JobResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    this.#start();
    const entry = this.#workers[place % this.#workers.length];
    if (entry === undefined) return Promise.reject(new RangeError(`ingest: no worker ${place}`));
    return new Promise((resolve, reject) => this.#post(entry, { job, resolve, reject }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new VtError('ECLOSED', 'ingest: already closed'));
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #start(): void {
    while (this.#workers.length < this.#size) {
      const thread = this.#workers.length + 1;
      const setup: WorkerSetup = { ...this.#setup, thread };
      const worker = new Worker(new URL('./ingest-worker.js', import.meta.url), {
        workerData: setup,
        // Those that openat(2) gave are not Node's: it would warn of each that is closed.
        trackUnmanagedFds: false,
      });
      const entry: PoolWorker = { worker, jobs: new Map() };
      worker.on('online', () => {
        this.#isUp = true;
      });
      worker.on('message', (reply: JobReply) => this.#settle(entry, reply));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (status) => this.#fail(new VtError('EFAILED', `ingest: a worker ended with status ${status}`)));
      this.#workers.push(entry);
    }
  }

  #dispatch(): void {
    for (;;) {
      let idlest: PoolWorker | undefined;
      for (const entry of this.#workers) if (idlest === undefined || entry.jobs.size < idlest.jobs.size) idlest = entry;
      if (idlest === undefined || idlest.jobs.size >= MAX_JOBS_AT_WORKER) return;
      const queued = this.#urgent.shift() ?? this.#usual.shift();
      if (queued === undefined) return;
      this.#post(idlest, queued);
    }
  }

  #post({ worker, jobs }: PoolWorker, queued: QueuedJob): void {
    const id = this.#nextId++;
    jobs.set(id, queued);
    const request: JobRequest = { id, job: queued.job };
    worker.postMessage(request);
  }

  #settle(entry: PoolWorker, reply: JobReply): void {
    const queued = entry.jobs.get(reply.id);
    entry.jobs.delete(reply.id);
    this.#dispatch();
    if ('error' in reply) queued?.reject(revivedError(reply.error));
    else queued?.resolve(reply.result);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    const lost = [...this.#workers.flatMap(({ jobs }) => [...jobs.values()]), ...this.#urgent.splice(0), ...this.#usual.splice(0)];
    for (const { reject } of lost) reject(error);
  }
}
