import { PathError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { baseName } from '../../core/tree/path.ts';
import { defineTreeCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { withOtherTree } from '../parts/move/other-tree.ts';

/** `join`: adds another tree under a name of this one. */
export const join = defineTreeCommand({
  name: 'join',
  group: 'move',
  summary: 'add another tree, or a live mount, under a new name',
  changes: true,
  plans: true,
  details: [
    'SOURCE is what `open` takes: a Dirref, a Store or STORE@ARCHIVE, an archive file, or a running mount by its mount point or control socket. Of a mount, join takes the present state. It copies only Blocks that the Store lacks. If it cannot get some of them, it joins nothing and the exit status is 13.',
    'NAME must not exist; to combine two trees use merge.',
  ],
  args: [
    { name: 'source', kind: 'reference', summary: 'the tree' },
    { name: 'name', kind: 'stored', summary: 'the new name', glob: 'refused' },
  ],
  options: [{ name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'print what would be copied, and change nothing' }],
  examples: [{ line: 'join ~/live today', says: 'adds the tree mounted on ~/live, as it is now' }],
  records: [{ name: 'Joined', summary: 'a tree that was joined', fields: { join: 'text', path: 'name', plan: 'true?' } }],
  async run(context, { args: [source, name], options }) {
    const { session, output, signal } = context;
    const plan = context.plan || options.has('plan');
    if (source === undefined || name === undefined) return;
    const path = pathArgument(session, name);
    if ((await session.tree.lookup(path, { follow: false, signal })) !== undefined) throw new PathError('EEXIST', 'join', path);
    await withOtherTree({ ...context, plan }, 'join', source, async ({ dirent }) => {
      if (plan) context.wouldChange();
      else await session.tree.bind(path, { ...dirent, name: baseName(path) }, { signal });
    });
    output.line(`${plan ? 'would join' : 'joined'} ${output.name(path)}`);
    output.record({ join: octetsToText(source), ...octetsFields('path', path), ...(plan ? { plan: true } : {}) });
  },
});
