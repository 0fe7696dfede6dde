import { defineCommand } from './command.ts';
import { pathArgument, requireEntry } from './entry.ts';
import { metadataFields, metadataRecord, printFields } from './metadata.ts';

/** `stat`: the metadata of nodes. */
export const stat = defineCommand({
  name: 'stat',
  group: 'list',
  summary: 'show the metadata of nodes',
  details: ['Times are exact and in UTC. A symlink is shown itself, unless -L follows it. inspect tells of the Blocks too.'],
  args: [{ name: 'path', kind: 'stored', summary: 'the nodes; default: the working path', optional: true, repeat: true }],
  options: [{ name: 'follow', short: 'L', summary: 'follow a symlink' }],
  async run({ session, output, signal }, { args, options }) {
    const paths = args.length === 0 ? [session.cwd] : args.map((argument) => pathArgument(session, argument));
    for (const [i, path] of paths.entries()) {
      const entry = await requireEntry(session.tree, path, 'stat', { follow: options.has('follow'), signal });
      output.record(metadataRecord(entry));
      if (i > 0) output.line('');
      printFields(output, metadataFields(output, entry));
    }
  },
});
