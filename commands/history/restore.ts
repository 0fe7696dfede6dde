import { newestFirst } from '../../core/archive/newest-first.ts';
import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { sameDirent } from '../../core/dirent/dirent-compare.ts';
import { pathHistory } from '../../core/history/path-history.ts';
import { makeDirs } from '../../core/tree/make-dirs.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, parentPath, ROOT_PATH } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { pastArgument, pathArgument } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { newMeta, newMode } from '../parts/new-meta.ts';
import { ENTRY_TYPE } from '../parts/records.ts';

/** `restore`: brings back earlier states of paths. */
export const restore = defineTreeCommand({
  name: 'restore',
  group: 'history',
  summary: 'bring files or Dirs back as they were in an earlier state',
  changes: true,
  details: [
    'PATH@N and PATH@DATE name the state, as in cd @N. The path becomes what it was then; everything else stays. PATH alone means the newest recorded version that differs from the present one. So it brings back a removed name, or takes back the last change. No data is copied. restore makes Dirs above PATH that are missing. undo takes a restore back; get writes an earlier version into a local directory.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'a path, usually with @N or @DATE after it', repeat: true, glob: false }],
  examples: [
    { line: 'restore notes.txt@1', says: 'the file as in state 1; without @1, as before its last change or its removal' },
    { line: 'restore docs@yesterday', says: 'all of docs as it was yesterday' },
  ],
  records: [{ name: 'Restored', summary: 'a restored path', fields: { path: 'name', state: 'integer', type: ENTRY_TYPE } }],
  async run(context, { args }) {
    await forEachItem(context, args, async (argument) => await restoreOne(context, argument));
  },
});

interface Past {
  readonly path: TreePath;
  /** The path in that state, if it had another name. */
  readonly from: TreePath;
  readonly number: number;
}

async function restoreOne(context: TreeContext, argument: Octets): Promise<void> {
  const { session, output, plan, signal } = context;
  const { path, from, number } = await findPast(context, argument);
  if (path === ROOT_PATH) throw new PathError('EINVAL', 'restore', path, { remedy: `undo @${number} restores the whole tree` });
  const state = await session.stateAt(String(number), signal);
  try {
    if ((await state.tree.lookup(from, { follow: false, signal })) === undefined)
      throw new PathError('ENOENT', 'restore', `${from}${state.view}` as Octets, {
        remedy: `log ${octetsToText(from)} lists its states`,
      });
    const dirent = await state.tree.dirent(from, { signal });
    output.record({ ...octetsFields('path', path), state: number, type: dirent.kind });
    output.line(`${plan ? 'would restore' : 'restored'} ${output.name(path)} as in ${state.view}`);
    if (plan) {
      context.wouldChange();
      return;
    }
    await makeDirs(session.tree, parentPath(path), newMeta(context, newMode('dir')), { signal });
    await session.tree.bind(path, { ...dirent, name: baseName(path) }, { signal });
  } finally {
    await state.tree[Symbol.asyncDispose]();
  }
}

/** The state that an argument names, or the newest one in which the path differs from now. */
async function findPast({ session, signal }: TreeContext, argument: Octets): Promise<Past> {
  const { archive, tree } = session;
  if (archive === undefined) throw new VtError('EFAILED', `restore: "${tree.name}" has no earlier states`);
  const whole = pathArgument(session, argument);
  const present = await tree.lookup(whole, { follow: false, signal });
  const past = present === undefined ? await pastArgument(session, argument, { signal }) : undefined;
  if (past !== undefined) {
    await past.state.tree[Symbol.asyncDispose]();
    const path = pathArgument(session, past.name);
    return { path, from: path, number: Number(past.state.view.replace('@', '')) };
  }
  const entries = newestFirst(archive, { signal });
  const now = present && (await tree.dirent(whole, { signal }));
  for await (const { archived, dirent, path } of pathHistory(tree.store, entries, whole, { signal })) {
    if (dirent !== undefined && !sameDirent(dirent, now)) return { path: whole, from: path, number: archived.number };
  }
  if (now !== undefined) throw new VtError('EFAILED', `restore "${octetsToText(whole)}": no recorded state has another version`);
  throw new VtError('EFAILED', `restore "${octetsToText(whole)}": no recorded state has it`, {
    remedy: 'locate finds a name in all states; undo @N brings a whole state back, and get takes files out',
  });
}
