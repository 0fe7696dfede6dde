import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { formatStateTime } from '../../core/base/date.ts';
import { VtError } from '../../core/base/errors.ts';
import { largestOf } from '../../core/base/lists.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { capability } from '../../core/store/capability.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { countText, timeText } from '../parts/format.ts';

/** `archives`: the named histories of the session's Store. */
export const archives = defineCommand({
  name: 'archives',
  group: 'store',
  summary: 'list the archives of the Store, each with its newest state',
  details: [
    'An archive is the named history of a tree. Each line has its name, how many states it has, and the local time of the newest. A * marks the archive of the open tree. To open another, type `open STORE@NAME`.',
  ],
  options: [{ name: 'long', short: 'l', summary: 'show the Dirref of the newest state as well' }],
  examples: [{ line: 'archives -l', says: 'lists the archives with their Dirrefs' }],
  records: [
    {
      name: 'ArchiveNewest',
      summary: 'an archive with its newest state',
      fields: { archive: 'text', open: 'boolean', states: 'integer', when: 'time?', reference: 'text?' },
    },
  ],
  async run(context, { options }) {
    const { session, output, signal } = context;
    const offered = capability(session.store, 'archives');
    const names = await offered?.list?.({ signal });
    if (offered === undefined || names === undefined)
      throw new VtError('EFAILED', `archives "${session.store.name}": this Store keeps no list of archives`, {
        remedy: 'use a datadir or a served Store',
      });
    const width = largestOf(names.map(({ length }) => length));
    await forEachItem(context, names, async (name) => {
      const archive = offered.open(name, { readOnly: true });
      const last = await archive.last({ signal });
      const isOpen = session.archive?.name === archive.name;
      const columns = [`${isOpen ? '*' : ' '} ${name.padEnd(width)}`, countText(last?.number ?? 0, 'state')];
      if (last !== undefined) columns.push(formatStateTime(last.whenNs));
      if (last !== undefined && options.has('long')) columns.push(output.style('ref', formatDirent(last.dirent)));
      output.line(columns.join('  '));
      output.record({ archive: name, open: isOpen, states: last?.number ?? 0, ...(last === undefined ? {} : newestRecord(last)) });
    });
  },
});

function newestRecord({ whenNs, dirent }: ArchiveEntry): Readonly<Record<string, unknown>> {
  return { when: timeText(whenNs), reference: formatDirent(dirent) };
}
