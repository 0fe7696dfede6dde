import { defineTreeCommand } from '../command.ts';
import { damageAt } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, withEntry } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';

/** `cat`: the content of files. */
export const cat = defineTreeCommand({
  name: 'cat',
  group: 'read',
  summary: 'print the content of files',
  details: ['NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  examples: [{ line: 'cat notes.txt | grep -i todo', says: 'lines of a stored file, through a local command' }],
  async run(context, { args }) {
    const { session, output, signal } = context;
    await forEachItem(context, args, async (argument) => {
      try {
        await withEntry(session, argument, 'read', { signal }, async ({ tree, path }) => {
          for await (const chunk of tree.read(path, {}, { signal })) await output.bytes(chunk, octetsFields('path', path));
        });
      } catch (error) {
        throw damageAt(error, 'read', pathArgument(session, argument));
      }
    });
  },
});
