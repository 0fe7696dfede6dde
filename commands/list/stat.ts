import type { Octets } from '../../core/base/octets.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { withEntry } from '../parts/entry.ts';
import { metadataFields, metadataRecord, printFields } from '../parts/metadata.ts';
import { METADATA_FIELDS } from '../parts/records.ts';
import { FILES_FROM0 } from '../words/files-from.ts';

/** `stat`: the metadata of nodes. */
export const stat = defineTreeCommand({
  name: 'stat',
  group: 'list',
  summary: 'show the metadata of nodes',
  details: [
    'Times are local, exact to the nanosecond, and with their offset from UTC: touch -d and find --newer take them as they are printed. inspect shows the Blocks too. NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'the nodes; default: the working path', optional: true, repeat: true }],
  options: [{ name: 'follow', short: 'L', summary: 'follow a symlink' }, FILES_FROM0],
  records: [{ name: 'Metadata', summary: 'the metadata of a name', fields: METADATA_FIELDS }],
  async run(context, { args, options }) {
    const { session, output, signal } = context;
    let isFirst = true;
    await forEachItem(context, args.length === 0 ? ['.' as Octets] : args, async (name) => {
      await withEntry(session, name, 'stat', { follow: options.has('follow'), signal }, ({ entry }) => {
        output.record(metadataRecord(entry));
        if (!isFirst) output.line('');
        isFirst = false;
        printFields(output, metadataFields(output, entry));
        return Promise.resolve();
      });
    });
  },
});
