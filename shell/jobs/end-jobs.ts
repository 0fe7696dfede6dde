import { countText } from '../../commands/parts/format.ts';
import { EXIT } from '../exit-status.ts';
import type { Shell } from '../shell.ts';
import { endText } from './end-text.ts';
import type { BackgroundJob } from './job-table.ts';

/** Reports each job when it ends: to a prompt at once, to programs by an object. In scripts the command `wait` reports it. */
export function tellOfJobs({ session, messages, output, terminal, services }: Shell): void {
  session.jobs.tell = (job: BackgroundJob): boolean => {
    if (!services.interactive) return false;
    terminal.beside(() => {
      if (job.state === 'failed') messages.error(job.error);
      messages.note(endText(job));
    });
    return true;
  };
  session.jobs.onEnd = ({ number, line, state, status, error }: BackgroundJob): void => {
    if (output.json)
      output.record({ job: number, line, state, status, ...(error === undefined ? {} : { error: messages.errorText(error) }) });
  };
}

/**
 * Waits for the jobs at the end of a session. Ctrl-C cancels them, and so does the signal that ends the session.
 *
 * @returns the exit status of the last that failed, else 0
 */
export async function endJobs({ session, signals, messages, services, args }: Shell): Promise<number> {
  const { jobs } = session;
  if (jobs.running.length > 0 && services.interactive && !args.quiet && !signals.ended.aborted)
    messages.note(`waiting for ${countText(jobs.running.length, 'job')}; Ctrl-C cancels ${jobs.running.length === 1 ? 'it' : 'them'}`);
  let status: number = EXIT.done;
  const report = (ended: readonly BackgroundJob[]): void => {
    for (const job of ended) {
      if (job.state !== 'failed') continue;
      status = job.status;
      if (!messages.hasTold(job.error)) messages.error(job.error);
    }
  };
  await signals.during(async (signal) => report(await jobs.wait([], signal)));
  jobs.cancelAll();
  report(await jobs.wait([], new AbortController().signal));
  return status;
}
