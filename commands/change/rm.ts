import { PathError } from '../../core/base/errors.ts';
import { type Octets, octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { isWithin, joinPath, ROOT_PATH, splitPath } from '../../core/tree/path.ts';
import { realPath } from '../../core/tree/real-path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { leadsToDir, pathArgument } from '../parts/entry.ts';
import { countText } from '../parts/format.ts';
import { recordBefore } from '../parts/record-before.ts';
import { FILES_FROM0 } from '../words/files-from.ts';

/** `rm`: removes entries. */
export const rm = defineTreeCommand({
  name: 'rm',
  group: 'change',
  summary: 'remove files, and with -r whole Dirs',
  details: [
    'Removed names stay in the Store and in the recorded states: `undo`, `cd @N` and `bind` bring them back. If a name is in no recorded state yet, rm syncs before it removes the name. In an ordinary directory rm deletes for good; at a terminal -r asks first there.',
  ],
  changes: true,
  args: [{ name: 'path', kind: 'stored', summary: 'what to remove', repeat: true }],
  options: [
    { name: 'recursive', short: 'r', alsoShort: 'R', summary: 'remove Dirs with all below' },
    { name: 'force', short: 'f', summary: 'ignore names that do not exist, and ask nothing' },
    FILES_FROM0,
  ],
  async run(context, { args, options }) {
    const { session, signal } = context;
    const recursive = options.has('recursive');
    const force = options.has('force');
    if (recursive && !force && !(await isMeant(context, args.length))) return;
    await forEachItem(context, args, async (argument) => {
      // As POSIX rm does: a user who types `.` or `..` seldom means the Dir itself.
      if (/(?:^|\/)\.{1,2}\/*$/.test(argument)) throw new PathError('EINVAL', 'remove', argument, { remedy: 'name the Dir' });
      const path = pathArgument(session, argument);
      if (path === ROOT_PATH) throw new PathError('EINVAL', 'remove', '/' as Octets, { remedy: 'remove its entries: rm -r /*' });
      const entry = await lookupOrAbsent(context, path, force);
      if (entry === undefined) {
        if (force) return;
        throw new PathError('ENOENT', 'remove', path);
      }
      if (argument.endsWith('/') && entry.dirent.kind !== 'dir') {
        // With a slash after a symlink to a Dir, it is unclear whether the symlink or the Dir is meant.
        if (force && !(await leadsToDir(session.tree, path, signal))) return;
        throw new PathError('ENOTDIR', 'remove', argument);
      }
      if (entry.dirent.kind === 'dir' && !recursive) throw new PathError('EISDIR', 'remove', path, { remedy: 'rm -r' });
      await recordBefore(context, path);
      // Recording may have merged the root of another session, which may have removed the entry.
      if ((await session.tree.lookup(path, { follow: false, signal })) === undefined) return;
      if (entry.dirent.kind === 'dir' && (await removedThroughItself(context, path, force))) return;
      await session.tree.remove(path, { recursive, signal });
      if (isWithin(path, session.cwd)) session.cwd = (path.slice(0, path.lastIndexOf('/')) || '/') as TreePath;
    });
  },
});

/** With `force`, a path through a node that is not a Dir counts as absent, too. */
async function lookupOrAbsent(
  { session, signal }: TreeContext,
  path: TreePath,
  force: boolean,
): ReturnType<TreeContext['session']['tree']['lookup']> {
  try {
    return await session.tree.lookup(path, { follow: false, signal });
  } catch (error) {
    if (force && error instanceof PathError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Elements, at least, of a path that leads through a symlink in the Dir that it names: `DIR/LINK/DIR`. */
const THROUGH_ITSELF = 3;

/**
 * Removes the entries of a Dir that was named through a symlink in it. As with rm(1), the Dir stays: its path is lost with the symlink.
 *
 * @returns whether the path was of this kind
 * @throws {PathError} ENOENT unless `force`
 */
async function removedThroughItself({ session, signal }: TreeContext, path: TreePath, force: boolean): Promise<boolean> {
  const { tree } = session;
  if (splitPath(path).length < THROUGH_ITSELF) return false;
  const real = await realPath(tree, path, false, { signal });
  if (!real.symlinks.some((symlink) => isWithin(real.path, symlink))) return false;
  const below: TreePath[] = [];
  for await (const entry of tree.list(real.path, { signal })) below.push(joinPath(real.path, entry.name));
  for (const each of below) await tree.remove(each, { recursive: true, signal });
  if (!force)
    throw new PathError('ENOENT', 'remove', path, {
      remedy: `the symlink was inside that Dir and is removed; the Dir itself is left: rm ${octetsToText(real.path)}`,
    });
  return true;
}

/** Asks for confirmation in an ordinary directory, where undo cannot restore the entries. */
async function isMeant({ session, shell, plan }: TreeContext, count: number): Promise<boolean> {
  if (plan || session.tree.can.sync) return true;
  return await shell.confirm(`Remove ${countText(count, 'entry', 'entries')} and all below from ${session.tree.name}? It cannot be undone`);
}
