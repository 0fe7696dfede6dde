import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { localSession } from '../parts/local-session.ts';
import type { LocalSession, Session } from '../session.ts';

/** `cd`: another working path, or another state of the tree. */
export const cd = defineTreeCommand({
  name: 'cd',
  aliases: ['chdir'],
  group: 'where',
  summary: 'change the working path, or look at a past state',
  details: [
    'Without PATH, cd goes to the Dir where the session started. `cd -` goes back to the previous path.',
    '`cd @3`, `cd @-1`, `cd @2026-11-22` and `cd @7d` show a past state, read-only: by its number, counted back, or by its time. A path may follow: `cd @3/docs`. `cd @` returns to the present. For an entry whose name starts with @, type ./@name.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'a Dir, `-`, or @STATE', optional: true }],
  examples: [
    { line: 'cd @yesterday', says: 'the newest state that is at least 24 hours old' },
    { line: 'cd @', says: 'back to the present' },
  ],
  records: [{ name: 'WorkingPath', summary: 'the working path in the tree', fields: { cwd: 'name', state: 'text?' } }],
  async run(context, { args: [argument] }) {
    const { session, local, output, signal } = context;
    const before = { cwd: session.cwd, view: local?.view };
    if (argument === '-') {
      await goBack(context);
      output.line(output.name(session.cwd));
    } else if (argument?.startsWith('@') === true)
      await goToState(localSession(context, `cd "${octetsToText(argument)}"`), argument, signal);
    else await goToPath(session, argument === undefined ? ROOT_PATH : pathArgument(session, argument), signal);
    session.previousCwd = before.cwd;
    if (local !== undefined) local.previousView = before.view;
    output.record({ ...octetsFields('cwd', session.cwd), ...(local?.view === undefined ? {} : { state: local.view }) });
  },
});

async function goBack({ session, local, signal }: TreeContext): Promise<void> {
  const { previousCwd } = session;
  if (previousCwd === undefined) throw new VtError('EFAILED', 'cd "-": there is no previous path');
  if (local !== undefined && local.previousView !== local.view) await local.visit(local.previousView, signal);
  await goToPath(session, previousCwd, signal);
}

async function goToState(session: LocalSession, argument: Octets, signal: AbortSignal): Promise<void> {
  const slash = argument.indexOf('/');
  await session.visit(octetsToText((slash < 0 ? argument : argument.slice(0, slash)) as Octets), signal);
  if (slash >= 0) await goToPath(session, pathArgument(session, argument.slice(slash) as Octets), signal);
}

async function goToPath(session: Session, path: TreePath, signal: AbortSignal): Promise<void> {
  const entry = await requireEntry(session.tree, path, 'cd', { signal });
  if (entry.dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'cd', path);
  session.cwd = path;
}
