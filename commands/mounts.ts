import { octetsToText } from '../core/base/octets.ts';
import { defineCommand } from './command.ts';
import { octetsFields } from './format.ts';

/** `mounts`: what is mounted. */
export const mounts = defineCommand({
  name: 'mounts',
  group: 'mount',
  summary: 'list what is mounted',
  details: ['A mount whose process has died is listed as stale; umount -l takes it away, and so does mounting there again.'],
  async run({ shell, output }) {
    const [{ mountedPlaces }, { controlSocket, isServed, readRecords }] = await Promise.all([
      import('../fuse/mount-table.ts'),
      import('./mount-records.ts'),
    ]);
    const records = readRecords(shell.env);
    for (const place of mountedPlaces()) {
      const record = records.find((each) => each.mountPoint === octetsToText(place.mountPoint));
      const state = (await isServed(place.mountPoint)) ? (place.readOnly ? 'ro' : 'rw') : 'stale';
      output.line(
        `${output.name(place.mountPoint)}  ${state}  ${output.name(place.source)}${record === undefined ? '' : `  pid ${record.pid}`}`,
      );
      output.record({
        ...octetsFields('mountpoint', place.mountPoint),
        ...octetsFields('source', place.source),
        state,
        ...(record === undefined ? {} : { pid: record.pid, control: controlSocket(shell.env, record.mountPoint) }),
      });
    }
  },
});
