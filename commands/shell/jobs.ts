import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';

/** `jobs`: what runs in the background. */
export const jobs = defineCommand({
  name: 'jobs',
  group: 'shell',
  summary: 'list the lines that run in the background',
  details: [
    'A line that ends in & runs in the background, and the prompt returns at once. Commands joined by && and || are one job. The output of a job and a message at its end appear above the prompt. A job starts with the working paths and settings of the session, and then has its own. It cannot open another tree, run local commands, or ask questions. quit waits for all jobs.',
  ],
  examples: [{ line: 'put ~/photos &', says: 'stores ~/photos while you type other commands' }],
  records: [
    {
      name: 'JobInfo',
      summary: 'a line in the background',
      fields: {
        number: 'integer',
        state: { choices: ['running', 'done', 'failed', 'cancelled'] },
        line: 'text',
        progress: 'text?',
      },
    },
  ],
  async run({ session, output }) {
    for (const { number, state, line, progress } of session.jobs.list) {
      const how = progress();
      output.line(`[${number}] ${state}: ${line}${how === undefined ? '' : `  ${output.style('dim', how)}`}`);
      output.record({ number, state, line, ...(how === undefined ? {} : { progress: how }) });
    }
  },
});

/** `kill`: ends jobs. */
export const kill = defineCommand({
  name: 'kill',
  group: 'shell',
  summary: 'cancel jobs',
  details: ['A cancelled job ends like a command after Ctrl-C: no file is left incomplete under its final name.'],
  args: [{ name: 'job', kind: 'text', summary: 'its number, as jobs shows it; %1 is the same as 1', repeat: true }],
  async run({ session }, { args }) {
    session.jobs.kill(args.map((word) => jobNumber('kill', word)));
  },
});

/** The number of a job: `1` or `%1`. */
export function jobNumber(action: string, word: Octets): number {
  const [, number] = /^%?(\d{1,9})$/.exec(word) ?? [];
  if (number === undefined)
    throw new UsageError(`${action} "${octetsToText(word)}": expected the number of a job`, { remedy: 'jobs lists them' });
  return Number(number);
}
