import { VtError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import { durationMs } from '../parts/maintenance.ts';
import { MIN_FREE_PERCENT } from '../parts/status-limits.ts';
import { numberOption } from '../words/number-option.ts';

/** `status`: the health of the Store, for users and monitors. */
export const status = defineCommand({
  name: 'status',
  group: 'store',
  summary: 'show how old the newest states are, what waits to be stored, and how full the disk is',
  details: [
    'status shows the newest state of each archive of the Store, and the files that are followed into it. It also shows the Blocks that wait in spools, the free space on its disk, the last scrub, and journals of mounts that could not be recorded. A line that starts with ! names a problem. The exit status is then 1, else 0, so that a monitor can run it.',
    '--max-age does not apply to the archives `references` and `published`. Files that a stopped follow has not read yet are a problem too.',
  ],
  options: [
    { name: 'max-age', value: { name: 'TIME', kind: 'text' }, summary: 'the greatest age of the newest state: 26h, 7d; default: any' },
    {
      name: 'min-free',
      value: { name: 'PERCENT', kind: 'number', min: 0, max: 100 },
      summary: `the least free share of the disk, in percent; default ${MIN_FREE_PERCENT}`,
    },
  ],
  examples: [{ line: 'status --max-age 26h', says: 'for a monitor: fails if there was no state since yesterday' }],
  records: [
    {
      name: 'Status',
      summary: 'the state of one part of the Store',
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
    if (amiss > 0) throw new VtError('EFAILED', `status: ${amiss === 1 ? 'one problem' : `${amiss} problems`} found`);
  },
});
