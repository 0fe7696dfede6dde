import { randomUUID } from 'node:crypto';
import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, isWithin, joinPath, parentPath } from '../../core/tree/path.ts';
import { realPath } from '../../core/tree/real-path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { CommandInput, TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { distinctNames } from '../parts/distinct-names.ts';
import { forEachItem } from '../parts/each.ts';
import { leadsToDir, pathArgument, requireEntry, sourceArgument } from '../parts/entry.ts';
import { recordBefore } from '../parts/record-before.ts';
import { sameness } from '../parts/same-entry.ts';
import type { ArgumentSpec } from '../words/argument-spec.ts';

const FROM_TO: readonly ArgumentSpec[] = [
  { name: 'from', kind: 'stored', summary: 'an existing name', repeat: true },
  { name: 'to', kind: 'stored', summary: 'the new name, or a Dir to put it into', glob: 'refused' },
];

/** `mv`: renames and moves entries. */
export const mv = defineTreeCommand({
  name: 'mv',
  aliases: ['rename'],
  group: 'change',
  summary: 'rename, or move into a Dir',
  details: ['mv replaces a file of the new name. It replaces a Dir only if that is empty.'],
  changes: true,
  args: FROM_TO,
  async run(context, input) {
    const { session, signal } = context;
    await eachPair(context, input, async (from, to, argument) => {
      await refuseFileAtSlash(session.tree, from, argument, signal);
      await refuseSame(session.tree, 'mv', from, to, signal);
      await recordBefore(context, to);
      await outsideItself('mv', 'moved', from, to, async () => await session.tree.rename(from, to, { signal }));
      if (isWithin(from, session.cwd)) session.cwd = `${to}${session.cwd.slice(from.length)}` as TreePath;
    });
  },
});

/** @throws {VtError} EFAILED if both paths are one node, or the first is a symlink to the second, which would be lost */
async function refuseSame(tree: Tree, action: string, from: TreePath, to: TreePath, signal: AbortSignal): Promise<void> {
  const same = await sameness(tree, from, to, { signal });
  if (same === undefined) return;
  // The symlink leads to another name of that node, so the node is not lost.
  if (same === 'symlink' && action === 'mv' && (await isOtherName(tree, from, to, signal))) return;
  const what = same === 'symlink' ? 'it leads to' : same === 'node' ? 'it is another name of' : 'it is the same as';
  throw new VtError('EFAILED', `${action} "${octetsToText(from)}": ${what} "${octetsToText(to)}"`);
}

async function isOtherName(tree: Tree, symlink: TreePath, to: TreePath, signal: AbortSignal): Promise<boolean> {
  return (await realPath(tree, symlink, true, { signal })).path !== (await realPath(tree, to, false, { signal })).path;
}

/** Refuses a slash after the name of a file or symlink, as mv(1) does: `mv` would move the symlink itself. */
async function refuseFileAtSlash(tree: Tree, path: TreePath, argument: Octets, signal: AbortSignal): Promise<void> {
  if (!argument.endsWith('/')) return;
  const kind = (await tree.lookup(path, { follow: false, signal }))?.dirent.kind;
  if (kind !== undefined && kind !== 'dir') throw new PathError('ENOTDIR', 'mv', argument);
}

/** `cp`: copies entries by reference. */
export const cp = defineTreeCommand({
  name: 'cp',
  group: 'change',
  summary: 'copy files and Dirs by reference: no bytes are copied',
  details: [
    'A copy of any size adds one entry. Symlinks are copied as symlinks. Originals that are hard-linked to each other become copies that are hard-linked to each other.',
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
      const source = sourceArgument(session, argument);
      await refuseSame(session.tree, 'cp', source, to, signal);
      await recordBefore(context, to);
      await outsideItself('cp', 'copied', from, to, async () => await session.tree.copy(source, to, { signal }));
    });
  },
});

/** Explains the tree's EINVAL: a Dir would be moved or copied into itself. */
async function outsideItself(action: string, done: string, from: TreePath, to: TreePath, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PathError) || error.errno !== 'EINVAL') throw error;
    throw new VtError('EFAILED', `${action} "${octetsToText(from)}": a Dir cannot be ${done} into itself ("${octetsToText(to)}")`, {
      cause: error,
    });
  }
}

/** `ln`: creates hard links and symlinks. */
export const ln = defineTreeCommand({
  name: 'ln',
  group: 'change',
  summary: 'make hard links, or symlinks with -s',
  details: [
    'With -s the first argument is the text of the symlink, as it is. Symlinks resolve within the tree: an absolute one starts at its root.',
  ],
  changes: true,
  args: [
    { name: 'from', kind: 'stored', summary: 'a file, or with -s a target', repeat: true },
    { name: 'to', kind: 'stored', summary: 'the new name, or a Dir to put it into', glob: 'refused', optional: true },
  ],
  options: [
    { name: 'symbolic', short: 's', summary: 'make a symlink' },
    { name: 'force', short: 'f', summary: 'replace an entry of that name' },
  ],
  async run(context, input) {
    const { session, signal } = context;
    const { newMeta } = await import('../parts/new-meta.ts');
    const isSymbolic = input.options.has('symbolic');
    const { tree } = session;
    await eachPair(context, input, async (from, to, argument) => {
      // The entry at the new name is replaced only if the source can be linked.
      if (!isSymbolic) await requireLinkable(tree, sourceArgument(session, argument), signal);
      const present = await tree.lookup(to, { follow: false, signal });
      const isReplaced = present !== undefined && input.options.has('force') && present.dirent.kind !== 'dir';
      const same = isReplaced && !isSymbolic ? await sameness(tree, from, to, { signal }) : undefined;
      if (same === 'entry') await refuseSame(tree, 'ln', from, to, signal);
      if (same === 'node') return;
      const make = async (path: TreePath): Promise<void> => {
        if (isSymbolic) await tree.symlink(path, argument, newMeta(context, 0o777), { signal });
        else await tree.link(from, path, { signal });
      };
      if (isReplaced) await recordBefore(context, to);
      if (isReplaced) await replaceBy(tree, to, make, signal);
      else await make(to);
    });
  },
});

/** Creates an entry beside the old one and then replaces that, since the source's path may lead through the old entry. */
async function replaceBy(tree: Tree, to: TreePath, make: (path: TreePath) => Promise<void>, signal: AbortSignal): Promise<void> {
  const beside = joinPath(parentPath(to), `.ln-${randomUUID()}` as Octets);
  await make(beside);
  try {
    await tree.rename(beside, to, { signal });
  } catch (error) {
    await tree.remove(beside);
    throw error;
  }
}

async function requireLinkable(tree: Tree, path: TreePath, signal: AbortSignal): Promise<void> {
  const { dirent } = await requireEntry(tree, path, 'link', { follow: false, signal });
  if (dirent.kind === 'dir')
    throw new VtError('EFAILED', `link "${octetsToText(path)}": a Dir cannot have a second name`, { remedy: 'cp copies it by reference' });
}

/** Calls the work for each `from` with its new path: `to` itself, or below `to` if that is a Dir. */
async function eachPair(
  context: TreeContext,
  { named, calledAs }: CommandInput,
  action: (from: TreePath, to: TreePath, argument: Octets) => Promise<void>,
): Promise<void> {
  const { session, signal } = context;
  const sources = named.get('from') ?? [];
  const given = named.get('to')?.[0] ?? ('.' as Octets);
  const to = pathArgument(session, given);
  const intoDir = await leadsToDir(session.tree, to, signal);
  if (!intoDir && (sources.length > 1 || (given.endsWith('/') && !(await becomesDir(context, calledAs, sources[0], to))))) {
    if (sources.length === 1) await requireEntry(session.tree, to, calledAs, { signal });
    const why = sources.length > 1 ? '; several names need one' : '';
    throw new VtError('EFAILED', `${octetsToText(to)} is not a Dir${why}`);
  }
  // The moved entries may include a symlink that leads to it.
  const dir = intoDir && sources.length > 1 ? (await realPath(session.tree, to, true, { signal })).path : to;
  const pairs = sources.map((argument) => {
    const source = pathArgument(session, argument);
    const name = calledAs === 'ln' ? baseName(argument.replace(/(?<=[^/])\/+$/, '') as TreePath) : baseName(source);
    if (intoDir && name === '') throw new PathError('EINVAL', calledAs, argument);
    return { argument, source, target: intoDir ? joinPath(dir, name) : to };
  });
  // A slash after a name that is not a Dir is an error of that name alone.
  const wrong = new Set<(typeof pairs)[number]>();
  for (const pair of pairs) if (pair.argument.endsWith('/') && !(await leadsToDir(session.tree, pair.source, signal))) wrong.add(pair);
  const distinct = new Set(
    distinctNames(
      context,
      calledAs,
      pairs.filter((pair) => !wrong.has(pair)),
    ),
  );
  const meant = pairs.filter((pair) => wrong.has(pair) || distinct.has(pair));
  await forEachItem(context, meant, async ({ argument, source, target }) => {
    await action(source, target, argument);
  });
}

/** Whether the source is a Dir, so that the new name may be given with a slash after it. */
async function becomesDir({ session, signal }: TreeContext, verb: string, source: Octets | undefined, to: TreePath): Promise<boolean> {
  if (verb === 'ln' || source === undefined) return false;
  const { tree } = session;
  if ((await tree.lookup(to, { follow: false, signal })) !== undefined) return false;
  return (await tree.lookup(sourceArgument(session, source), { follow: false, signal }))?.dirent.kind === 'dir';
}
