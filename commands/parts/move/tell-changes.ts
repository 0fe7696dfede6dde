import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { diffDirents } from '../../../core/tree/diff/diff.ts';
import type { OnlyOne } from '../../../core/tree/merge/merge-result.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { joinPath, splitPath } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { octetsFields } from '../format.ts';

// Reports the changes of a merge or pull in a few lines.

/** Lines to print without `-v`. */
const MAX_LINES = 10;

/** The changes to report. */
export interface TreeChanges {
  /** The path of both Dirs. */
  readonly top: TreePath;
  readonly before: DirDirent | undefined;
  readonly after: DirDirent;
  /** Without a common state: names that only one tree has. */
  readonly onlyOne?: readonly OnlyOne[];
}

/** Prints new, changed and removed names; for a new or removed Dir only the Dir. @param all - print more than ten lines */
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
  // Without a base, an addition there looks like a removal here.
  for (const { path, side } of onlyOne) if (side === 'ours') tell('only here', full(path));
  if (!all && count > MAX_LINES) output.line(`and ${count - MAX_LINES} more: -v lists them`);
}
