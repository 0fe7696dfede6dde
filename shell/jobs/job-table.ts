import type { Job, Jobs } from '../../commands/session.ts';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { LinkedAbort } from '../../core/base/linked-abort.ts';
import { EXIT, exitStatusOf } from '../exit-status.ts';

/** A line that runs or has run in the background. */
export class BackgroundJob implements Job {
  readonly number: number;
  readonly line: string;
  state: Job['state'] = 'running';
  status: number = EXIT.done;
  error: unknown;
  /** Settles with the job; never rejects. */
  ended: Promise<void> = Promise.resolve();
  /** Its progress on one line, if known. */
  progress: () => string | undefined = () => undefined;
  readonly #abort: LinkedAbort;

  constructor(number: number, line: string, ended: AbortSignal) {
    this.number = number;
    this.line = line;
    this.#abort = new LinkedAbort(ended);
  }

  run(work: (job: BackgroundJob, signal: AbortSignal) => Promise<void>): void {
    this.ended = work(this, this.#abort.signal).then(
      () => this.#settle('done'),
      (error: unknown) => {
        this.error = error;
        this.status = exitStatusOf(error);
        this.#settle(this.#abort.signal.aborted ? 'cancelled' : 'failed');
      },
    );
  }

  cancel(): void {
    this.#abort.abort(new VtError('ECANCELLED', 'cancelled'));
  }

  #settle(state: Job['state']): void {
    this.state = state;
    this.#abort[Symbol.dispose]();
  }
}

/** The jobs of a session: running ones, and ended ones that no `wait` has reported. */
export class JobTable implements Jobs {
  #jobs: BackgroundJob[] = [];
  #awaited = 0;
  /** Reports the end of a job that no `wait` waits for. @returns whether it was reported, so that no `wait` needs to */
  tell: (job: BackgroundJob) => boolean = () => false;
  /** Called for every ended job. */
  onEnd: (job: BackgroundJob) => void = () => undefined;

  get list(): readonly BackgroundJob[] {
    return this.#jobs;
  }

  get running(): readonly BackgroundJob[] {
    return this.#jobs.filter(({ state }) => state === 'running');
  }

  /** Starts a job. @param ended - fires when the session ends */
  start(line: string, ended: AbortSignal, work: (job: BackgroundJob, signal: AbortSignal) => Promise<void>): BackgroundJob {
    const number = (this.#jobs.at(-1)?.number ?? 0) + 1;
    const job = new BackgroundJob(number, line, ended);
    this.#jobs.push(job);
    job.run(work);
    void job.ended.then(() => {
      this.onEnd(job);
      if (this.#awaited === 0 && this.tell(job)) this.#forget([job]);
    });
    return job;
  }

  kill(numbers: readonly number[]): void {
    for (const job of this.#named(numbers)) {
      if (job.state !== 'running') throw new VtError('EFAILED', `kill ${job.number}: the job has ended`);
      job.cancel();
    }
  }

  async wait(numbers: readonly number[], signal: AbortSignal): Promise<readonly BackgroundJob[]> {
    const jobs = numbers.length === 0 ? this.#jobs.slice() : this.#named(numbers);
    this.#awaited++;
    try {
      await untilAborted(Promise.all(jobs.map(({ ended }) => ended)), signal);
    } finally {
      this.#awaited--;
    }
    const over = jobs.filter(({ state }) => state !== 'running');
    this.#forget(over);
    return over;
  }

  /** Cancels all running jobs. */
  cancelAll(): void {
    for (const job of this.running) job.cancel();
  }

  #named(numbers: readonly number[]): BackgroundJob[] {
    return numbers.map((number) => {
      const job = this.#jobs.find((each) => each.number === number);
      if (job === undefined) throw new UsageError(`there is no job ${number}`, { remedy: 'jobs lists them' });
      return job;
    });
  }

  #forget(gone: readonly BackgroundJob[]): void {
    this.#jobs = this.#jobs.filter((job) => !gone.includes(job));
  }
}

/** Waits for the work or the signal, whichever is first. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let end = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    end = resolve;
    signal.addEventListener('abort', end, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
