import { defineCommand } from './command.ts';
import { namingDamage } from './damage.ts';
import { forEachItem } from './each.ts';
import { pathArgument } from './entry.ts';

/** `cat`: the content of files. */
export const cat = defineCommand({
  name: 'cat',
  group: 'read',
  summary: 'print the content of files',
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  examples: [{ line: 'cat notes.txt | grep -i todo', says: 'lines of a stored file, through a local command' }],
  async run(context, { args }) {
    const { session, output, signal } = context;
    await forEachItem(context, args, async (argument) => {
      const path = pathArgument(session, argument);
      for await (const chunk of namingDamage(session.tree.read(path, {}, { signal }), 'read', path)) await output.bytes(chunk);
    });
  },
});
