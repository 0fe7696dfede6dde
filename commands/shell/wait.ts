import { VtError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import type { Job } from '../session.ts';
import { jobNumber } from './jobs.ts';

/** `wait`: waits for background jobs to end. */
export const wait = defineCommand({
  name: 'wait',
  group: 'shell',
  summary: 'wait for jobs to end, or while files are followed or watched',
  details: [
    'wait ends when all jobs have ended, or all that are named. If jobs failed, wait fails as the first of them did. Ctrl-C ends wait, and the jobs continue.',
    "With wait a line becomes a daemon: vtftp -c 'watch ~/mail mail; wait' runs until Ctrl-C or SIGTERM. On SIGTERM it stores what is new, saves the tree and prints the Dirref. wait shows rate and lag on standard error, as progress. If nothing is followed, wait ends with the last job.",
  ],
  args: [
    { name: 'job', kind: 'text', summary: 'the number of a job; default: all jobs, and follow and watch', optional: true, repeat: true },
  ],
  examples: [{ line: 'put ~/photos & put ~/mail & wait', says: 'stores both at the same time' }],
  endsByInterrupt: true,
  async run(context, { args }) {
    const { session, signal, diagnostics } = context;
    const ended = await session.jobs.wait(
      args.map((word) => jobNumber('wait', word)),
      signal,
    );
    const [first, ...others] = ended.filter(({ state }) => state === 'failed');
    for (const job of others) diagnostics.failure(errorOf(job));
    if (first !== undefined) throw errorOf(first);
    if (args.length > 0 || signal.aborted || session.tails.followers.length === 0) return;
    const { showFollowing } = await import('../parts/move/follow-progress.ts');
    await showFollowing(context, () => session.tails.followers.length === 0);
  },
});

function errorOf({ number, error }: Job): Error {
  return error instanceof Error ? error : new VtError('EFAILED', `job ${number} failed`);
}
