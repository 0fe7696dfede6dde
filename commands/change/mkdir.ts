import { PathError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { makeDirs } from '../../core/tree/make-dirs.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { parentPath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { parseMode } from '../parts/mode.ts';
import { newMeta, newMode } from '../parts/new-meta.ts';
import { newSalt } from '../parts/new-salt.ts';

/** `mkdir`: new Dirs. */
export const mkdir = defineTreeCommand({
  name: 'mkdir',
  group: 'change',
  summary: 'make Dirs',
  changes: true,
  details: [
    '--salt gives the new Dir salt: random bytes in each of its Blocks. Equal Dirs then have different hashes, so a hash does not tell what a Dir holds. The Dir keeps its salt; Dirs below it have none unless they get their own. Contents of files have no salt. inspect shows whether a Dir has salt.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'a Dir to make', repeat: true, glob: false }],
  options: [
    { name: 'parents', short: 'p', summary: 'make missing parents too; a Dir that exists is no error' },
    { name: 'mode', short: 'm', value: { name: 'MODE', kind: 'text' }, summary: 'permissions, as chmod takes them' },
    { name: 'salt', summary: 'give the new Dir salt, so that its hash does not tell its contents' },
  ],
  async run(context, { args, options }) {
    const { tree } = context.session;
    const isSalted = options.has('salt');
    if (isSalted && tree.setSalt === undefined)
      throw new VtError('EUNSUPPORTED', `mkdir --salt: "${tree.name}" keeps no salt`, {
        remedy: 'use it in a shell that is not attached to a mount',
      });
    const wanted = options.get('mode');
    const mode = wanted === undefined || wanted === true ? newMode('dir') : parseMode(octetsToText(wanted))(0o777, true);
    await forEachItem(context, args, async (argument) => {
      const path = pathArgument(context.session, argument);
      const wasThere = isSalted && (await tree.lookup(path, { signal: context.signal })) !== undefined;
      if (options.has('parents')) await makeAll(context, path, mode);
      else await makeOne(context, path, mode);
      if (isSalted && !wasThere) await tree.setSalt?.(path, newSalt(), { signal: context.signal });
    });
  },
});

async function makeOne(context: TreeContext, path: TreePath, mode: number): Promise<void> {
  const { session, signal } = context;
  try {
    await session.tree.mkdir(path, newMeta(context, mode), { signal });
  } catch (error) {
    if (!(error instanceof PathError) || error.errno !== 'ENOENT') throw error;
    throw new PathError('ENOENT', 'make', parentPath(path), { cause: error, remedy: 'mkdir -p makes the Dirs above too' });
  }
}

async function makeAll(context: TreeContext, path: TreePath, mode: number): Promise<void> {
  const { session, signal } = context;
  await makeDirs(session.tree, parentPath(path), newMeta(context, newMode('dir')), { signal });
  await makeDirs(session.tree, path, newMeta(context, mode), { signal });
}

/** `rmdir`: removes empty Dirs. */
export const rmdir = defineTreeCommand({
  name: 'rmdir',
  group: 'change',
  summary: 'remove empty Dirs',
  changes: true,
  args: [{ name: 'path', kind: 'stored', summary: 'an empty Dir', repeat: true }],
  async run(context, { args }) {
    const { session, signal } = context;
    await forEachItem(context, args, async (argument) => {
      const path = pathArgument(session, argument);
      const { dirent } = await requireEntry(session.tree, path, 'remove', { follow: false, signal });
      if (dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'remove', path);
      await session.tree.remove(path, { signal });
    });
  },
});
