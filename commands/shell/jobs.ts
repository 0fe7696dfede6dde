import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';

/** `jobs`: what runs in the background. */
export const jobs = defineCommand({
  name: 'jobs',
  group: 'shell',
  summary: 'list what runs in the background',
  details: [
    'A line that ends in & runs in the background: the prompt comes at once. Commands that are joined by && and || are one job. What a job prints stands above the prompt, and its end is told there. A job has its own working paths and settings, those that the session had when it started. It cannot open another tree, run local commands, or ask. quit waits for all jobs.',
  ],
  examples: [{ line: 'put ~/photos &', says: 'go on typing meanwhile' }],
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
  details: ['A job that is cancelled ends as a command does after Ctrl-C: nothing is half done under its final name.'],
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
