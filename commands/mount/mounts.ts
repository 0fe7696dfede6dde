import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { isAlive } from '../../core/base/system/is-alive.ts';
import { defineCommand } from '../command.ts';
import { countText, octetsFields } from '../parts/format.ts';

/** `mounts`: what is mounted. */
export const mounts = defineCommand({
  name: 'mounts',
  group: 'mount',
  summary: 'list what is mounted',
  details: [
    'A mount whose process has died is listed as stale. umount -l removes it, and so does a new mount there. mounts counts files that could not be stored so far, as on a full disk. If a mount was ended but its process still tries to store files, it is listed as gone.',
  ],
  records: [
    {
      name: 'Mount',
      summary: 'a mount',
      fields: {
        mountpoint: 'name',
        source: 'name',
        state: { choices: ['rw', 'ro', 'stale', 'gone'] },
        unsaved: 'integer?',
        pid: 'integer?',
        control: 'text?',
      },
    },
  ],
  async run({ shell, output }) {
    const [{ mountedPlaces }, { controlSocket, isServed, readRecords }, { countUnsavedThrough }] = await Promise.all([
      import('../../fuse/mount-table.ts'),
      import('../parts/mount/mount-records.ts'),
      import('../parts/mount/mount-beside.ts'),
    ]);
    const records = readRecords(shell.env);
    const places = mountedPlaces();
    for (const { mountPoint, pid, source } of records) {
      const octets = octetsFromText(mountPoint);
      if (!isAlive(pid) || places.some((place) => place.mountPoint === octets)) continue;
      const unsaved = await countUnsavedThrough(controlSocket(shell.env, mountPoint));
      output.line(`${output.name(octets)}  gone  ${output.name(octetsFromText(source))}  pid ${pid}${unsavedText(unsaved)}`);
      output.record({
        ...octetsFields('mountpoint', octets),
        source,
        state: 'gone',
        unsaved,
        pid,
        control: controlSocket(shell.env, mountPoint),
      });
    }
    for (const place of places) {
      const record = records.find((each) => each.mountPoint === octetsToText(place.mountPoint));
      const state = (await isServed(place.mountPoint)) ? (place.readOnly ? 'ro' : 'rw') : 'stale';
      const unsaved = state === 'rw' ? await countUnsavedThrough(controlSocket(shell.env, octetsToText(place.mountPoint))) : 0;
      const pid = record === undefined ? '' : `  pid ${record.pid}`;
      output.line(`${output.name(place.mountPoint)}  ${state}  ${output.name(place.source)}${pid}${unsavedText(unsaved)}`);
      output.record({
        ...octetsFields('mountpoint', place.mountPoint),
        ...octetsFields('source', place.source),
        state,
        ...(unsaved === 0 ? {} : { unsaved }),
        ...(record === undefined ? {} : { pid: record.pid, control: controlSocket(shell.env, record.mountPoint) }),
      });
    }
  },
});

/** How many files wait for the Store to take them. */
function unsavedText(count: number): string {
  return count === 0 ? '' : `  ${countText(count, 'file')} not stored yet`;
}
