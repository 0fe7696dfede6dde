import { findEntry } from '../../core/archive/find-entry.ts';
import { VtError } from '../../core/base/errors.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { OpenedSource } from './opened-source.ts';
import { ReadOnlyTree } from './read-only-tree.ts';

/** A state of the archive that is shown read-only. */
export interface ShownState {
  /** `@` and its number. */
  readonly view: string;
  readonly tree: Tree;
}

/** As `Session.stateAt`. */
export async function openState(
  { archive, store, tree }: Pick<OpenedSource, 'archive' | 'store' | 'tree'>,
  spec: string,
  now: Date,
  signal?: AbortSignal,
): Promise<ShownState> {
  if (archive === undefined) throw new VtError('EFAILED', `show state @${spec}: "${tree.name}" has no archive`);
  const entry = await findEntry(archive, spec, now, { signal });
  if (entry.dirent.kind !== 'dir') throw new VtError('EFAILED', `show state @${spec}: it is a ${entry.dirent.kind}, not a Dir`);
  return {
    view: `@${entry.number}`,
    tree: new ReadOnlyTree(openLiveTree(store, entry.dirent), `@${entry.number}`, 'cd @ returns to the present'),
  };
}
