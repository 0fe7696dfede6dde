import { VtError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import { durationMs } from '../parts/maintenance.ts';
import { MIN_FREE_PERCENT } from '../parts/status-limits.ts';
import { numberOption } from '../words/number-option.ts';

/** `status`: whether all goes well, for people and monitors. */
export const status = defineCommand({
  name: 'status',
  group: 'store',
  summary: 'tell how old the newest states are, what waits, and how full the disk is',
  details: [
    'status looks at the Store of the session: the newest state of each archive, and the files that are followed into it. It also shows the Blocks that wait in spools, the room on its disk, the last scrub, and the journals of mounts that could not be recorded. A line that starts with ! needs care. The exit status is then 1, else 0, so a monitor can run it.',
    'The archives `references` and `published` are never too old. Files that a stopped follow has not read yet need care.',
  ],
  options: [
    { name: 'max-age', value: { name: 'TIME', kind: 'text' }, summary: 'how old the newest state may be: 26h, 7d; default: any age' },
    {
      name: 'min-free',
      value: { name: 'PERCENT', kind: 'number', min: 0, max: 100 },
      summary: `how much of the disk must be free; default ${MIN_FREE_PERCENT}`,
    },
  ],
  examples: [{ line: 'status --max-age 26h', says: 'for a monitor: was there a state since yesterday?' }],
  records: [
    {
      name: 'Status',
      summary: 'how one thing of the Store is getting on',
      fields: {
        what: { choices: ['archive', 'tail', 'store', 'journal', 'disk', 'scrub'] },
        ok: 'boolean',
        trouble: 'text?',
        archive: 'text?',
        number: 'integer?',
        when: 'time?',
        age_seconds: 'integer?',
        target: 'text?',
        lag_bytes: 'integer?',
        running: 'boolean?',
        store: 'text?',
        waiting_blocks: 'integer?',
        waiting_bytes: 'integer?',
        file: 'text?',
        path: 'text?',
        free_bytes: 'integer?',
        free_percent: 'number?',
      },
    },
  ],
  async run(context, { options }) {
    const maxAge = options.get('max-age');
    const limits = {
      maxAgeMs: maxAge === undefined || maxAge === true ? Number.POSITIVE_INFINITY : durationMs('max-age', maxAge),
      minFreePercent: numberOption({ options }, 'min-free') ?? MIN_FREE_PERCENT,
    };
    const { reportStatus } = await import('../parts/status-report.ts');
    const amiss = await reportStatus(context, limits);
    if (amiss > 0) throw new VtError('EFAILED', `status: ${amiss === 1 ? 'one line needs care' : `${amiss} lines need care`}`);
  },
});
