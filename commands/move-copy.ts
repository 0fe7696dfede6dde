import { PathError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import { baseName, isWithin, joinPath } from '../core/tree/path.ts';
import type { Tree, TreePath } from '../core/tree/tree.ts';
import type { ArgumentSpec, CommandContext, CommandInput } from './command.ts';
import { defineCommand } from './command.ts';
import { distinctNames } from './distinct-names.ts';
import { forEachItem } from './each.ts';
import { leadsToDir, pathArgument, requireEntry, sourceArgument } from './entry.ts';
import { sameness } from './same-entry.ts';

const FROM_TO: readonly ArgumentSpec[] = [
  { name: 'from', kind: 'stored', summary: 'an existing name', repeat: true },
  { name: 'to', kind: 'stored', summary: 'the new name, or a Dir to put it into', glob: false },
];

/** `mv`: other names and places. */
export const mv = defineCommand({
  name: 'mv',
  aliases: ['rename'],
  group: 'change',
  summary: 'rename, or move into a Dir',
  details: ['mv replaces a file that has the new name, and a Dir only if it is empty.'],
  changes: true,
  args: FROM_TO,
  async run(context, input) {
    const { session, signal } = context;
    await eachPair(context, input, async (from, to, argument) => {
      await requireOutside(session.tree, from, to, 'mv', 'moved', signal);
      await refuseFileAtSlash(session.tree, from, argument, signal);
      const same = await sameness(session.tree, from, to, { signal });
      if (same === 'entry') throw sameEntry('mv', from, to);
      // rename(2) leaves both names of one node; who moves one wants the other.
      if (same === 'node') await session.tree.remove(from, { signal });
      else await session.tree.rename(from, to, { signal });
      if (isWithin(from, session.cwd)) session.cwd = `${to}${session.cwd.slice(from.length)}` as TreePath;
    });
  },
});

function sameEntry(action: string, from: TreePath, to: TreePath): VtError {
  return new VtError('EFAILED', `${action} "${octetsToText(from)}": it is the same as "${octetsToText(to)}"`);
}

/** A slash after the name of a file, or of a symlink, which `mv` would move itself: as mv(1) does. */
async function refuseFileAtSlash(tree: Tree, path: TreePath, argument: Octets, signal: AbortSignal): Promise<void> {
  if (!argument.endsWith('/')) return;
  const kind = (await tree.lookup(path, { follow: false, signal }))?.dirent.kind;
  if (kind !== undefined && kind !== 'dir') throw new PathError('ENOTDIR', 'mv', octetsToText(argument));
}

/** `cp`: by reference. */
export const cp = defineCommand({
  name: 'cp',
  group: 'change',
  summary: 'copy files and Dirs by reference: no bytes are copied',
  details: [
    'A copy, however large, takes one entry. Symlinks are copied as symlinks. Hard links among the originals are hard links among the copies.',
  ],
  changes: true,
  args: FROM_TO,
  options: [
    { name: 'recursive', short: 'r', alsoShort: 'R', summary: 'accepted: Dirs are always copied with all below' },
    { name: 'archive', short: 'a', summary: 'accepted: metadata is always kept' },
    { name: 'preserve', short: 'p', summary: 'accepted: metadata is always kept' },
  ],
  async run(context, input) {
    const { session, signal } = context;
    await eachPair(context, input, async (from, to, argument) => {
      await requireOutside(session.tree, from, to, 'cp', 'copied', signal);
      const source = sourceArgument(session, argument);
      if ((await sameness(session.tree, source, to, { signal })) !== undefined) throw sameEntry('cp', from, to);
      await session.tree.copy(source, to, { signal });
    });
  },
});

/** Whatever the symlinks, the tree itself refuses it, too: with fewer words. */
async function requireOutside(tree: Tree, from: TreePath, to: TreePath, action: string, done: string, signal: AbortSignal): Promise<void> {
  if (from === to || !isWithin(from, to)) return;
  if ((await tree.lookup(from, { follow: false, signal }))?.dirent.kind === 'dir')
    throw new VtError('EFAILED', `${action} "${octetsToText(from)}": a Dir cannot be ${done} into itself ("${octetsToText(to)}")`);
}

/** `ln`: more names. */
export const ln = defineCommand({
  name: 'ln',
  group: 'change',
  summary: 'make hard links, or symlinks with -s',
  details: [
    'With -s the first argument is the text of the symlink, as it is. Symlinks resolve within the tree: an absolute one starts at its root.',
  ],
  changes: true,
  args: [
    { name: 'from', kind: 'stored', summary: 'a file, or with -s a target', repeat: true },
    { name: 'to', kind: 'stored', summary: 'the new name, or a Dir to put it into', glob: false, optional: true },
  ],
  options: [
    { name: 'symbolic', short: 's', summary: 'make a symlink' },
    { name: 'force', short: 'f', summary: 'replace what has the name' },
  ],
  async run(context, input) {
    const { session, signal } = context;
    const { newMeta } = await import('./new-meta.ts');
    const isSymbolic = input.options.has('symbolic');
    await eachPair(context, input, async (from, to, argument) => {
      // What stands under the new name goes only where there is something to link.
      if (!isSymbolic) await requireLinkable(session.tree, from, signal);
      const present = await session.tree.lookup(to, { follow: false, signal });
      if (present !== undefined && input.options.has('force') && present.dirent.kind !== 'dir') {
        if (!isSymbolic && (await sameness(session.tree, from, to, { signal })) === 'entry') throw sameEntry('ln', from, to);
        await session.tree.remove(to, { signal });
      }
      if (isSymbolic) await session.tree.symlink(to, argument, newMeta(context, 0o777), { signal });
      else await session.tree.link(from, to, { signal });
    });
  },
});

async function requireLinkable(tree: Tree, path: TreePath, signal: AbortSignal): Promise<void> {
  const { dirent } = await requireEntry(tree, path, 'link', { follow: false, signal });
  if (dirent.kind === 'dir')
    throw new VtError('EFAILED', `link "${octetsToText(path)}": a Dir has one name`, { remedy: 'cp copies it by reference' });
}

/** Each `from` with the path that it gets: `to` itself, or below it where that is a Dir. */
async function eachPair(
  context: CommandContext,
  { named, calledAs }: CommandInput,
  action: (from: TreePath, to: TreePath, argument: Octets) => Promise<void>,
): Promise<void> {
  const { session, signal } = context;
  const sources = named.get('from') ?? [];
  const given = named.get('to')?.[0] ?? ('.' as Octets);
  const to = pathArgument(session, given);
  const intoDir = await leadsToDir(session.tree, to, signal);
  if (!intoDir && (sources.length > 1 || given.endsWith('/'))) {
    if (sources.length === 1) await requireEntry(session.tree, to, calledAs, { signal });
    const why = sources.length > 1 ? '; several names need one' : '';
    throw new VtError('EFAILED', `${octetsToText(to)} is not a Dir${why}`);
  }
  const pairs = sources.map((argument) => {
    const source = pathArgument(session, argument);
    const name = calledAs === 'ln' ? baseName(argument.replace(/(?<=[^/])\/+$/, '') as TreePath) : baseName(source);
    if (intoDir && name === '') throw new PathError('EINVAL', calledAs, octetsToText(argument));
    return { argument, source, target: intoDir ? joinPath(to, name) : to };
  });
  await forEachItem(context, distinctNames(context, calledAs, pairs), async ({ argument, source, target }) => {
    await action(source, target, argument);
  });
}
