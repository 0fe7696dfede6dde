import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { PathError, UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { MergeChoice, MergeConflict } from '../../core/tree/merge/merge.ts';
import { baseName, joinPath, ROOT_PATH, splitPath } from '../../core/tree/path.ts';
import type { TreePath } from '../../core/tree/tree.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { countText, octetsFields } from '../parts/format.ts';
import { withOtherTree } from '../parts/move/other-tree.ts';

/** Who wins where both sides changed a thing. */
type Policy = 'ours' | 'theirs' | 'both' | 'newer' | 'fail';
const POLICIES: readonly Policy[] = ['ours', 'theirs', 'both', 'newer', 'fail'];

/** `merge`: two trees made one. */
export const merge = defineCommand({
  name: 'merge',
  group: 'move',
  summary: 'merge another tree, or a live mount, into a Dir',
  changes: true,
  plans: true,
  details: [
    'SOURCE is what join takes. NAME is the Dir to merge into, by default the working path. If the archives of both have a state in common, merge compares both with it, and takes a change of one side. Dirs merge entry by entry, hard-linked files by their nodes, metadata field by field. Without a common state every difference is a conflict.',
    'A conflict is a name that both changed, or that one changed and the other removed. --conflict decides: fail (the default) lists them, changes nothing, and ends with 3. ours and theirs take that side; newer takes the later modification time; both keeps theirs beside ours as NAME.theirs-TIME. With fail and both, a change wins over a removal.',
    '-n lists conflicts and changes nothing. undo goes back to before.',
  ],
  args: [
    { name: 'source', kind: 'reference', summary: 'the tree' },
    { name: 'name', kind: 'stored', summary: 'the Dir it is merged into; default: the working path', optional: true },
  ],
  options: [
    { name: 'plan', short: 'n', summary: 'list conflicts, and change nothing' },
    {
      name: 'conflict',
      short: 'c',
      value: { name: 'ours|theirs|newer|both|fail', kind: 'text' },
      summary: 'what to do where both sides changed a name',
    },
  ],
  examples: [
    { line: 'merge -n /mnt/disk/store', says: 'what would be in conflict?' },
    { line: 'merge --conflict=newer ~/live docs', says: 'what is mounted on ~/live, into docs' },
  ],
  async run(context, { args: [source, name], options }) {
    const { session, output, signal, now } = context;
    const plan = context.plan || options.has('plan');
    if (source === undefined) return;
    const policy = policyOf(options.get('conflict'));
    const path = name === undefined ? session.cwd : pathArgument(session, name);
    const entry = await session.tree.lookup(path, { signal });
    if (entry === undefined) throw new PathError('ENOENT', 'merge', octetsToText(path));
    const ours = await session.tree.dirent(entry.path, { signal });
    if (ours.kind !== 'dir') throw new PathError('ENOTDIR', 'merge', octetsToText(path));
    if (path === ROOT_PATH && session.tree.adopt === undefined) {
      throw new VtError('EUNSUPPORTED', `merge: the root of "${session.tree.name}" cannot be replaced`, {
        remedy: 'merge into a Dir of it',
      });
    }
    const [{ mergeDirents }, { commonState }] = await Promise.all([
      import('../../core/tree/merge/merge.ts'),
      import('../../core/tree/merge/common-state.ts'),
    ]);
    const conflicts = await withOtherTree({ ...context, plan: false }, 'merge', source, async (other) => {
      const theirs = other.dirent;
      if (theirs.kind !== 'dir') throw new VtError('EFAILED', `merge "${octetsToText(source)}": it is a ${theirs.kind}, not a Dir`);
      const base = await commonState(statesOf(context, entry.path, ours), other.states());
      const choose = (choice: MergeChoice) => chosen(policy, choice);
      const found = await mergeDirents(session.tree.store, base, ours, theirs, { now: now(), signal, choose });
      if (!plan && !(policy === 'fail' && found.conflicts.length > 0)) await apply(context, entry.path, ours, found.dirent);
      return found.conflicts;
    });
    for (const conflict of conflicts) tell(context, entry.path, conflict, policy);
    const isRefused = policy === 'fail' && conflicts.length > 0;
    output.record({
      merge: octetsToText(source),
      ...octetsFields('path', path),
      ...(plan ? { plan: true } : {}),
      conflicts: conflicts.length,
      merged: !plan && !isRefused,
    });
    if (isRefused)
      throw new VtError('EPARTIAL', `merge: ${countText(conflicts.length, 'conflict')}, nothing is changed`, {
        remedy: 'choose with --conflict=ours, theirs, newer or both',
      });
    output.line(`${plan ? 'would merge' : 'merged'} into ${output.name(path)}: ${countText(conflicts.length, 'conflict')}`);
  },
});

function policyOf(word: true | Octets | undefined): Policy {
  if (word === undefined) return 'fail';
  const found = POLICIES.find((policy) => policy === word);
  if (found === undefined) throw new UsageError(`merge --conflict "${String(word)}": expected one of ${POLICIES.join(', ')}`);
  return found;
}

function chosen(policy: Policy, { ours, theirs }: MergeChoice): 'ours' | 'theirs' | 'both' {
  if (policy === 'ours' || policy === 'theirs') return policy;
  if (policy !== 'newer' || ours === undefined || theirs === undefined) return 'both';
  return (theirs.meta.mtimeNs ?? 0n) > (ours.meta.mtimeNs ?? 0n) ? 'theirs' : 'ours';
}

/** The states of a path, newest first. */
async function* statesOf({ session, signal }: CommandContext, path: TreePath, present: DirDirent): AsyncIterable<DirDirent> {
  yield present;
  if (session.archive === undefined) return;
  const entries: ArchiveEntry[] = [];
  for await (const archived of session.archive.entries({ signal })) entries.push(archived);
  const { openLiveTree } = await import('../../core/tree/live/live-tree.ts');
  for (const { dirent } of entries.toReversed()) {
    if (dirent.kind !== 'dir') continue;
    if (path === ROOT_PATH) {
      yield dirent;
      continue;
    }
    await using tree = openLiveTree(session.tree.store, dirent);
    if ((await tree.lookup(path, { follow: false, signal })) === undefined) continue;
    const state = await tree.dirent(path, { signal });
    if (state.kind === 'dir') yield state;
  }
}

async function apply({ session, diagnostics, signal }: CommandContext, path: TreePath, ours: DirDirent, merged: DirDirent): Promise<void> {
  const { tree } = session;
  if (path !== ROOT_PATH) {
    await tree.bind(path, { ...merged, name: baseName(path) }, { signal });
    return;
  }
  for (const { path: changed } of (await tree.adopt?.(ours, merged, { signal })) ?? [])
    diagnostics.failure(`merge "${octetsToText(changed)}": it changed meanwhile, and is as it was`);
}

function tell({ output }: CommandContext, top: TreePath, { path, kind, theirsAt, took }: MergeConflict, policy: Policy): void {
  const full = (below: TreePath): TreePath => splitPath(below).reduce(joinPath, top);
  const what = {
    'both-changed': 'changed on both sides',
    'removed-by-us': 'removed here, changed there',
    'removed-by-them': 'changed here, removed there',
  }[kind];
  const end =
    policy === 'fail'
      ? ''
      : took !== undefined
        ? `; ${took} taken`
        : theirsAt === undefined
          ? '; the change is kept'
          : `; theirs kept as ${output.name(full(theirsAt))}`;
  output.line(`conflict: ${output.name(full(path))}: ${what}${end}`);
  output.record({
    conflict: kind,
    ...octetsFields('path', full(path)),
    ...(took === undefined ? {} : { took }),
    ...(theirsAt === undefined || policy === 'fail' ? {} : octetsFields('theirs', full(theirsAt))),
  });
}
