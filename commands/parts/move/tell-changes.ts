import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { diffDirents } from '../../../core/tree/diff/diff.ts';
import type { OnlyOne } from '../../../core/tree/merge/merge-result.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { joinPath, splitPath } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { octetsFields } from '../format.ts';

// What a merge or pull changed, in a few lines.

/** Lines printed where nobody asks for all. */
const MAX_LINES = 10;

/** What is reported. */
export interface TreeChanges {
  /** Where both Dirs are. */
  readonly top: TreePath;
  readonly before: DirDirent | undefined;
  readonly after: DirDirent;
  /** Of trees without a common state: what one of them lacks. */
  readonly onlyOne?: readonly OnlyOne[];
}

/** Prints what is new, changed or removed: of a Dir that is new or gone, the Dir alone. @param all - more than ten lines, if there are more */
export async function tellChanges(
  { session, output, signal }: TreeContext,
  { top, before, after, onlyOne = [] }: TreeChanges,
  all: boolean,
): Promise<void> {
  let count = 0;
  const tell = (change: string, path: TreePath): void => {
    if (all || ++count <= MAX_LINES) output.line(`${change}: ${output.name(path)}`);
    output.record({ change, ...octetsFields('path', path) });
  };
  const full = (path: TreePath): TreePath => splitPath(path).reduce(joinPath, top);
  for await (const { kind, path } of diffDirents(session.tree.store, before, after, { signal, below: false, path: top }))
    if (path !== top) tell(kind === 'added' ? 'new' : kind, path);
  // Nobody can say whether it was added there or removed elsewhere.
  for (const { path, side } of onlyOne) if (side === 'ours') tell('only here', full(path));
  if (!all && count > MAX_LINES) output.line(`and ${count - MAX_LINES} more: -v lists them`);
}
