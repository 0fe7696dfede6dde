import { linesOf, linesUpTo } from '../../core/archive/lines-up-to.ts';
import { PathError, throwIfCancelled, VtError } from '../../core/base/errors.ts';
import { ItemError } from '../../core/base/item-error.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { MergeSide } from '../../core/history/merge-base.ts';
import type { MergedSides } from '../../core/history/merge-sides.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { MetaClash } from '../../core/tree/merge/merge-meta.ts';
import type { Chosen, MergeChoice, MergeConflict } from '../../core/tree/merge/merge-result.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, joinPath, ROOT_PATH, splitPath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { countText, octetsFields } from '../parts/format.ts';
import { withOtherTree } from '../parts/move/other-tree.ts';
import { tellChanges } from '../parts/move/tell-changes.ts';
import { CONFLICT_RECORD, NEWS_RECORD } from '../parts/records.ts';

/** Which side wins if both changed an entry. */
const POLICIES = ['ours', 'theirs', 'newer', 'both', 'fail'] as const;
type Policy = (typeof POLICIES)[number];

/** `merge`: two trees made one. */
export const merge = defineTreeCommand({
  name: 'merge',
  group: 'move',
  summary: 'merge another tree, or a live mount, into a Dir',
  changes: true,
  plans: true,
  details: [
    'SOURCE is as with join. NAME is the Dir to merge into, by default the working path. merge syncs first, so that undo can go back to the tree as it was. It compares both sides with their newest common state, and takes each change that only one side made. Dirs merge entry by entry, hard-linked files by their nodes, metadata field by field. If one side renamed an entry and the other changed it, merge does both: it recognises the entry by its node, or by equal Blocks.',
    'The archive records which state was merged. So a later merge starts from there, and conflicts that were settled stay settled. If one side continues the newest state of the other, merge takes that side as it is, with its date. After undo, the same merge can be made again.',
    'A conflict is a name that both sides changed, that one changed and the other removed, or that both renamed. --conflict says what to do. fail (the default) lists all conflicts, changes nothing, and ends with 3. ours and theirs take that side. newer takes the side with the later modification time. both keeps theirs beside ours as NAME.theirs-TIME; a change wins over a removal, and of two new names the one here is kept. At a prompt, merge without --conflict asks about each conflict.',
    'Metadata that both changed is listed as a conflict, but does not stop the merge. The result has the permissions that both sides allow, and the later of two times. Other metadata comes from the side that was modified later. --conflict=ours, theirs and newer take all of it from that side.',
    'Without a common state, as with most Dirrefs, merge cannot tell removed names from added ones. A name that both sides have with different content is a conflict. A name that one side lacks is kept, and listed as new or "only here". The same holds if forget and gc have removed the common state; merge warns then.',
    'merge lists up to ten names that are new, changed or removed; -v lists all. -n lists conflicts and changes nothing.',
  ],
  args: [
    { name: 'source', kind: 'reference', summary: 'the tree' },
    { name: 'name', kind: 'stored', summary: 'the Dir it is merged into; default: the working path', optional: true },
  ],
  options: [
    { name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'list conflicts and changes, and change nothing' },
    { name: 'verbose', short: 'v', summary: 'list every change, not only ten' },
    {
      name: 'conflict',
      short: 'c',
      value: { kind: 'text', choices: POLICIES },
      summary: 'what to do with a name that both sides changed',
    },
  ],
  examples: [
    { line: 'merge -n /mnt/disk/store', says: 'lists what would be in conflict' },
    { line: 'merge --conflict=newer ~/live docs', says: 'merges the tree mounted on ~/live into docs' },
  ],
  records: [
    CONFLICT_RECORD,
    NEWS_RECORD,
    {
      name: 'Merged',
      summary: 'the end of a merge',
      fields: { merge: 'text', path: 'name', plan: 'true?', relation: 'text', conflicts: 'integer', merged: 'boolean' },
    },
  ],
  async run(context, { args: [source, name], options }) {
    const { session, output, diagnostics, signal, now, shell } = context;
    const plan = context.plan || options.has('plan');
    if (source === undefined) return;
    let policy = POLICIES.find((each) => each === options.get('conflict')) ?? 'fail';
    const path = name === undefined ? session.cwd : pathArgument(session, name);
    const entry = await session.tree.lookup(path, { signal });
    if (entry === undefined) throw new PathError('ENOENT', 'merge', path);
    // An undo of the merge must restore the present state, not only the last recorded one.
    if (!plan && session.tree.can.sync) {
      await session.sync(signal);
      await context.local?.refresh(signal);
    }
    const ours = await session.tree.dirent(entry.path, { signal });
    if (ours.kind !== 'dir') throw new PathError('ENOTDIR', 'merge', path);
    if (path === ROOT_PATH && session.tree.adopt === undefined) {
      throw new VtError('EUNSUPPORTED', `merge: the root of "${session.tree.name}" cannot be replaced`, {
        remedy: 'merge into a Dir of it',
      });
    }
    const { mergeSides } = await import('../../core/history/merge-sides.ts');
    const outcome = await withOtherTree({ ...context, plan: false }, 'merge', source, async (other) => {
      const theirs = other.dirent;
      if (theirs.kind !== 'dir') throw new VtError('EFAILED', `merge "${octetsToText(source)}": it is a ${theirs.kind}, not a Dir`);
      const { store } = session.tree;
      const ourSide = await oursOf(context, ours, entry.path);
      const mergeBy = async (choose: (choice: MergeChoice) => Chosen): Promise<MergedSides> =>
        await mergeSides(
          store,
          ourSide,
          { ...other, dirent: theirs },
          {
            path: entry.path,
            oursAt: async (root) => await dirAt(context, root, entry.path),
            bring: other.bring,
            choose,
            now: now(),
            signal,
          },
        );
      const choices = new Map<TreePath, MergeChoice>();
      let found = await mergeBy((choice) => {
        choices.set(choice.path, choice);
        return chosen(policy, choice);
      });
      const open = found.conflicts.filter(isUndecided);
      if (open.length > 0 && !plan && !options.has('conflict') && shell.interactive && !output.json) {
        const { askConflicts } = await import('../parts/ask-conflicts.ts');
        const decided = await askConflicts(context, entry.path, open, choices);
        if (decided !== undefined) {
          policy = 'both';
          found = await mergeBy((choice) => decided.get(choice.path) ?? 'both');
        }
      }
      if (plan && found.as !== undefined) context.wouldChange();
      if (plan || found.as === undefined || (policy === 'fail' && found.conflicts.some(isUndecided))) return found;
      throwIfCancelled(signal);
      // From here on the merge is not cancelled: a tree must not stay half merged, or be recorded without the merge.
      await apply(context, entry.path, ours, found.dirent);
      if (session.archive !== undefined) await session.sync(undefined, found.as);
      return found;
    });
    const { relation, conflicts, onlyOne, isBaseGone } = outcome;
    if (isBaseGone)
      diagnostics.warn(
        `merge "${octetsToText(source)}": the common state is gone on both sides: names that one side removed come back from the other`,
      );
    for (const conflict of conflicts) tell(context, entry.path, conflict, policy);
    const undecided = conflicts.filter(isUndecided).length;
    const isRefused = policy === 'fail' && undecided > 0;
    if (!isRefused) await tellChanges(context, { top: entry.path, before: ours, after: outcome.dirent, onlyOne }, options.has('verbose'));
    output.record({
      merge: octetsToText(source),
      ...octetsFields('path', path),
      ...(plan ? { plan: true } : {}),
      relation,
      conflicts: conflicts.length,
      merged: !plan && !isRefused,
    });
    if (isRefused)
      throw new VtError('EPARTIAL', `merge: ${countText(undecided, 'conflict')}, nothing is changed`, {
        remedy: 'choose with --conflict=ours, theirs, newer or both',
      });
    if (relation === 'ahead') output.line(`${octetsToText(source)}: all of its states are here already`);
    output.line(`${plan ? 'would merge' : 'merged'} into ${output.name(path)}: ${countText(conflicts.length, 'conflict')}`);
  },
});

function chosen(policy: Policy, { ours, theirs }: MergeChoice): 'ours' | 'theirs' | 'both' {
  if (policy === 'ours' || policy === 'theirs') return policy;
  if (policy !== 'newer' || ours === undefined || theirs === undefined) return 'both';
  return (theirs.meta.mtimeNs ?? 0n) > (ours.meta.mtimeNs ?? 0n) ? 'theirs' : 'ours';
}

/** Our side: the entry at the path, and its earlier states. */
async function oursOf({ session, signal }: TreeContext, dirent: DirDirent, path: TreePath): Promise<MergeSide> {
  if (session.archive === undefined) return { dirent, lines: [], isRecorded: false };
  const root = path === ROOT_PATH ? dirent : await session.tree.dirent(ROOT_PATH, { signal });
  return { dirent, ...linesUpTo(await linesOf(session.archive, { signal }), root) };
}

/** What a recorded root has at a path, if that is a Dir. */
async function dirAt({ session, signal }: TreeContext, root: DirDirent, path: TreePath): Promise<DirDirent | undefined> {
  if (path === ROOT_PATH) return root;
  await using tree = openLiveTree(session.tree.store, root);
  const state = (await tree.lookup(path, { follow: false, signal })) && (await tree.dirent(path, { signal }));
  return state?.kind === 'dir' ? state : undefined;
}

async function apply({ session, diagnostics }: TreeContext, path: TreePath, ours: DirDirent, merged: DirDirent): Promise<void> {
  const { tree } = session;
  if (path !== ROOT_PATH) {
    await tree.bind(path, { ...merged, name: baseName(path) });
    return;
  }
  for (const { path: changed } of (await tree.adopt?.(ours, merged, {})) ?? [])
    diagnostics.failure(new ItemError('merge', changed, 'it changed meanwhile, and was not merged'));
}

/** Whether the user has to decide it: metadata is merged by rule. */
function isUndecided({ kind }: MergeConflict): boolean {
  return kind !== 'metadata';
}

function tell({ output }: TreeContext, top: TreePath, conflict: MergeConflict, policy: Policy): void {
  const { path, kind, theirsAt, took, clashes = [] } = conflict;
  const full = (below: TreePath): TreePath => splitPath(below).reduce(joinPath, top);
  const what = {
    'both-changed': 'changed on both sides',
    'removed-by-us': 'removed here, changed there',
    'removed-by-them': 'changed here, removed there',
    'both-renamed': `renamed to this here, and there to ${output.name(full(theirsAt ?? path))}`,
    metadata: clashes.map(clashText).join('; '),
  }[kind];
  const isRefused = policy === 'fail' && isUndecided(conflict);
  const end =
    isRefused || kind === 'metadata'
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
    ...(took === undefined || isRefused ? {} : { took }),
    ...(theirsAt === undefined || isRefused ? {} : octetsFields('theirs', full(theirsAt))),
    ...(clashes.length === 0 ? {} : { fields: clashes }),
  });
}

function clashText({ field, ours, theirs, taken }: MetaClash): string {
  return `${field} changed on both sides${ours === undefined ? '' : `, ${ours} here and ${theirs} there; ${taken} taken`}`;
}
