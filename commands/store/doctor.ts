import { VtError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import { countText } from '../parts/format.ts';

/** `doctor`: whether this machine has what the program needs. */
export const doctor = defineCommand({
  name: 'doctor',
  group: 'store',
  summary: 'check this machine and the Store for problems that make commands fail',
  details: [
    'doctor checks the system calls, /dev/fuse and fusermount3, the limits of this process and the clock. It checks the folder of control sockets, the Store of the session, and journals of mounts that could not be recorded. It changes nothing. A line that starts with ! says what does not work, and what to do. The exit status is then 1, else 0. fsck and scrub check the contents of the Store; status shows its age, backlog and free space.',
  ],
  records: [
    { name: 'Check', summary: 'the result of one check', fields: { what: 'text', found: 'text', ok: 'boolean', trouble: 'text?' } },
  ],
  async run(context) {
    const { output } = context;
    const { doctorChecks } = await import('../parts/doctor-checks.ts');
    let amiss = 0;
    for (const { what, found, trouble } of await doctorChecks(context)) {
      if (trouble !== undefined) amiss++;
      const shown = `${trouble === undefined ? ' ' : '!'} ${what.padEnd(15)}  ${found}${trouble === undefined ? '' : `: ${trouble}`}`;
      output.line(trouble === undefined ? shown : output.style('error', shown));
      output.record({ what, found, ok: trouble === undefined, trouble });
    }
    if (amiss > 0) throw new VtError('EFAILED', `doctor: ${countText(amiss, 'problem')} found`);
  },
});
