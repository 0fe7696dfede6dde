import { PathError } from '../core/base/errors.ts';
import { octetsToText } from '../core/base/octets.ts';
import { baseName } from '../core/tree/path.ts';
import { defineCommand } from './command.ts';
import { pathArgument } from './entry.ts';
import { octetsFields } from './format.ts';
import { withOtherTree } from './other-tree.ts';

/** `join`: another tree under a name of this one. */
export const join = defineCommand({
  name: 'join',
  group: 'move',
  summary: 'graft another tree, a live mount too, under a name',
  changes: true,
  plans: true,
  details: [
    'SOURCE is what `open` takes: a Dirref, a Store or STORE@ARCHIVE, an archive file, or a running mount by its mount point or control socket, whose present state is taken. Blocks that are in the Store are referred to, others are copied into it; where some of them cannot be had, nothing is joined and the exit status is 13.',
    'NAME must not exist; merge makes one tree out of two.',
  ],
  args: [
    { name: 'source', kind: 'reference', summary: 'the tree' },
    { name: 'name', kind: 'stored', summary: 'where it is to stand', glob: false },
  ],
  options: [{ name: 'plan', short: 'n', summary: 'tell what would be copied, and change nothing' }],
  examples: [{ line: 'join ~/live today', says: 'what is mounted on ~/live, as it is now' }],
  async run(context, { args: [source, name], options }) {
    const { session, output, signal } = context;
    const plan = context.plan || options.has('plan');
    if (source === undefined || name === undefined) return;
    const path = pathArgument(session, name);
    if ((await session.tree.lookup(path, { follow: false, signal })) !== undefined)
      throw new PathError('EEXIST', 'join', octetsToText(path));
    await withOtherTree({ ...context, plan }, 'join', source, async ({ dirent }) => {
      if (!plan) await session.tree.bind(path, { ...dirent, name: baseName(path) }, { signal });
    });
    output.line(`${plan ? 'would join' : 'joined'} ${output.name(path)}`);
    output.record({ join: octetsToText(source), ...octetsFields('path', path), ...(plan ? { plan: true } : {}) });
  },
});
