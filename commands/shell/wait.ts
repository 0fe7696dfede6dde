import { VtError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import { jobNumber } from './jobs.ts';

/** `wait`: until what goes on in the background has ended. */
export const wait = defineCommand({
  name: 'wait',
  group: 'shell',
  summary: 'wait for jobs, and while files are followed or watched',
  details: [
    'wait ends once every job has ended, or each that is named. It fails as the first of them did that failed. Ctrl-C ends wait, and the jobs go on.',
    "With wait a line becomes a daemon: vtftp -c 'watch ~/mail mail; wait' goes on until Ctrl-C or SIGTERM. SIGTERM ends it in good order: it stores what is new, saves the tree and prints the Dirref. Rate and lag are shown on standard error, as progress is. If nothing is followed, wait ends with the last job.",
  ],
  args: [{ name: 'job', kind: 'text', summary: 'the number of a job; default: all, and what is followed', optional: true, repeat: true }],
  examples: [{ line: 'put ~/photos & put ~/mail & wait', says: 'both side by side' }],
  endsByInterrupt: true,
  async run(context, { args }) {
    const { session, signal, diagnostics } = context;
    const ended = await session.jobs.wait(
      args.map((word) => jobNumber('wait', word)),
      signal,
    );
    const [first, ...others] = ended.filter(({ state }) => state === 'failed');
    for (const { error } of others) diagnostics.failure(error);
    if (first !== undefined) throw first.error instanceof Error ? first.error : new VtError('EFAILED', `job ${first.number} failed`);
    if (args.length > 0 || signal.aborted || session.tails.followers.length === 0) return;
    const { showFollowing } = await import('../parts/move/follow-progress.ts');
    await showFollowing(context, () => session.tails.followers.length === 0);
  },
});
