import { parseDate } from '../../core/base/date.ts';
import { PathError, UsageError } from '../../core/base/errors.ts';
import { appendAll } from '../../core/base/lists.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { systemOwnerNames } from '../../core/base/system/owner-names.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { MetaChange, TreeEntry } from '../../core/tree/tree.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { modeOf } from '../parts/format.ts';
import { parseMode } from '../parts/mode.ts';
import { newMeta, newMode } from '../parts/new-meta.ts';
import type { OptionSpec } from '../words/option-spec.ts';

const RECURSIVE: OptionSpec = { name: 'recursive', short: 'R', summary: 'change all below too' };

/** `chmod`: permissions. */
export const chmod = defineTreeCommand({
  name: 'chmod',
  group: 'change',
  summary: 'change permissions',
  changes: true,
  details: [
    'MODE is octal (0755, with setuid, setgid and sticky in the first digit) or symbolic (u+x,go-w, a+rX, g+s). Write a mode that starts with - after --.',
  ],
  args: [
    { name: 'mode', kind: 'text', summary: 'octal or symbolic' },
    { name: 'path', kind: 'stored', summary: 'what to change; symlinks are followed unless -R is given', repeat: true },
  ],
  options: [RECURSIVE],
  async run(context, { named, options }) {
    const change = parseMode(octetsToText(named.get('mode')?.[0] ?? ('' as Octets)));
    await eachEntry(context, named.get('path') ?? [], options.has('recursive'), (entry) =>
      entry.dirent.kind === 'symlink' ? undefined : { mode: change(modeOf(entry.dirent), entry.dirent.kind === 'dir') },
    );
  },
});

/** `chown`: owners. */
export const chown = defineTreeCommand({
  name: 'chown',
  group: 'change',
  summary: 'change owner and group',
  changes: true,
  details: [
    'If this machine knows the name, chown sets the number as well. Otherwise it records the name without a number. Likewise it records a number that has no name here without a name.',
  ],
  args: [
    { name: 'owner', kind: 'text', summary: 'USER, USER:GROUP or :GROUP; names or numbers' },
    { name: 'path', kind: 'stored', summary: 'what to change; symlinks are followed unless -R or -h is given', repeat: true },
  ],
  options: [RECURSIVE, { name: 'no-dereference', short: 'h', summary: 'change a symlink itself' }],
  async run(context, { named, options }) {
    const warn = (what: string): void => context.diagnostics.warn(`chown: this machine has no ${what}: only the name is recorded`);
    const change = ownerChange(named.get('owner')?.[0] ?? ('' as Octets), warn);
    await eachEntry(context, named.get('path') ?? [], options.has('recursive'), () => change, options.has('no-dereference'));
  },
});

function ownerChange(text: Octets, warn: (what: string) => void): MetaChange {
  const [user = '', group, more] = text.split(':') as Octets[];
  if (more !== undefined || (user === '' && (group ?? '') === ''))
    throw new UsageError(`change owner "${octetsToText(text)}": expected USER, USER:GROUP or :GROUP`);
  const owners = systemOwnerNames();
  return {
    ...(user === '' ? {} : personOf(user as Octets, owners.userId, owners.userName, 'uid', 'user', warn)),
    ...(group === undefined || group === '' ? {} : personOf(group, owners.groupId, owners.groupName, 'gid', 'group', warn)),
  };
}

function personOf<Id extends 'uid' | 'gid', Name extends 'user' | 'group'>(
  text: Octets,
  idOf: (name: Octets) => number | undefined,
  nameOf: (id: number) => Octets | undefined,
  idField: Id,
  nameField: Name,
  warn: (what: string) => void,
): MetaChange {
  const known = idOf(text);
  if (known !== undefined) return { [idField]: known, [nameField]: text };
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff) return { [idField]: Number(text), [nameField]: nameOf(Number(text)) ?? null };
  warn(`${nameField} "${octetsToText(text)}"`);
  return { [idField]: null, [nameField]: text };
}

/** `touch`: times, and empty files. */
export const touch = defineTreeCommand({
  name: 'touch',
  group: 'change',
  summary: 'set the modification time; make files that do not exist',
  changes: true,
  args: [{ name: 'path', kind: 'stored', summary: 'a file or Dir', repeat: true }],
  options: [
    {
      name: 'date',
      short: 'd',
      aliases: ['time'],
      value: { name: 'DATE', kind: 'date' },
      summary: 'set this time instead of now: ISO-8601, @SECONDS, or an age such as 7d',
    },
    { name: 'no-create', short: 'c', summary: 'make no file' },
    { name: 'no-dereference', short: 'h', summary: 'change a symlink itself' },
  ],
  async run(context, { args, options }) {
    const { session, signal, now } = context;
    const date = options.get('date');
    const mtimeNs = date === undefined || date === true ? BigInt(now().getTime()) * 1_000_000n : parseDate(octetsToText(date), now());
    const follow = !options.has('no-dereference');
    await forEachItem(context, args, async (argument) => {
      const path = pathArgument(session, argument);
      if ((await session.tree.lookup(path, { follow, signal })) === undefined) {
        if (options.has('no-create')) return;
        if (argument.endsWith('/')) throw new PathError('ENOENT', 'touch', path);
        const meta = { ...newMeta(context, newMode('file')), mtimeNs };
        const isMade = await session.tree.write(path, noContent(), meta, { onlyNew: true, signal }).then(() => true, notThere);
        if (isMade) return;
      }
      await session.tree.setMeta(path, { mtimeNs }, { follow, signal });
    });
  },
});

/** Ignores EEXIST: if another process created the file meanwhile, that file stays. */
function notThere(error: unknown): boolean {
  if (error instanceof PathError && error.errno === 'EEXIST') return false;
  throw error;
}

async function* noContent(): AsyncGenerator<Uint8Array> {}

/** Changes entries, and with `recursive` all entries below them, without following symlinks there. */
async function eachEntry(
  context: TreeContext,
  args: readonly Octets[],
  recursive: boolean,
  changeOf: (entry: TreeEntry) => MetaChange | undefined,
  isLinkItself = false,
): Promise<void> {
  const { session, signal } = context;
  const follow = !recursive && !isLinkItself;
  await forEachItem(context, args, async (argument) => {
    const path = pathArgument(session, argument);
    const pending: TreePath[] = [path];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const entry = await requireEntry(session.tree, at, 'change', { follow, signal });
      const change = changeOf(entry);
      if (change !== undefined) await session.tree.setMeta(at, change, { follow, signal });
      if (!recursive || entry.dirent.kind !== 'dir') continue;
      const below: TreePath[] = [];
      for await (const child of session.tree.list(at, { signal })) below.push(child.path);
      appendAll(pending, below.reverse());
    }
  });
}
