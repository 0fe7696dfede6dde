import { formatLocalMinute } from '../../core/base/date.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import type { Chosen, MergeChoice, MergeConflict } from '../../core/tree/merge/merge-result.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { joinPath, splitPath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { sizeText } from './format.ts';

/** The possible decisions of a conflict. */
type Decision = Exclude<Chosen, 'neither'>;

const DECISIONS: readonly Decision[] = ['ours', 'theirs', 'both'];

/**
 * Asks for a decision on each conflict of a merge, one after the other.
 *
 * @param top - the Dir that the paths of conflicts are relative to
 * @param choices - the existing versions, by path
 * @returns the decisions by path; undefined if a question was cancelled, so that nothing is merged
 */
export async function askConflicts(
  { shell, output }: Pick<TreeContext, 'shell' | 'output'>,
  top: TreePath,
  conflicts: readonly MergeConflict[],
  choices: ReadonlyMap<TreePath, MergeChoice>,
): Promise<ReadonlyMap<TreePath, Decision> | undefined> {
  const decided = new Map<TreePath, Decision>();
  let forAll: Decision | undefined;
  for (const [at, { path }] of conflicts.entries()) {
    if (forAll !== undefined) {
      decided.set(path, forAll);
      continue;
    }
    const versions = choices.get(path);
    const rest = conflicts.length - at;
    const rows = [
      { name: 'ours', hint: versionText(versions?.ours) },
      { name: 'theirs', hint: versionText(versions?.theirs) },
      { name: 'both', hint: 'theirs beside ours, as NAME.theirs-TIME' },
      ...(rest > 1 ? DECISIONS.map((decision) => ({ name: `${decision} for all ${rest} that are left` })) : []),
      { name: 'stop', hint: 'merge nothing' },
    ];
    const chosen = await shell.choose(`${output.name(splitPath(path).reduce(joinPath, top))}: which version?`, rows);
    if (chosen === undefined || chosen === rows.length - 1) return undefined;
    const decision = DECISIONS[chosen % DECISIONS.length] ?? 'both';
    if (chosen >= DECISIONS.length) forAll = decision;
    decided.set(path, decision);
  }
  return decided;
}

/** A version as text: `12K of 2026-11-30 10:31`, or `removed`. */
function versionText(dirent: Dirent | undefined): string {
  if (dirent === undefined) return 'removed';
  const what = dirent.kind === 'file' ? sizeText(dirent.block.span) : dirent.kind === 'dir' ? 'a Dir' : `a ${dirent.kind}`;
  return dirent.meta.mtimeNs === undefined ? what : `${what} of ${formatLocalMinute(dirent.meta.mtimeNs)}`;
}
