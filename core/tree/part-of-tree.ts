import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { NodeDirent } from './diff/diff.ts';
import { pathOf } from './path.ts';
import type { Tree } from './tree.ts';

/**
 * The self-contained Dirent at a path; undefined if there is none. It follows no symlinks: otherwise a user who may change the tree could
 * replace a part that is shared with others by a different part.
 */
export async function partOfTree(tree: Tree, names: readonly Octets[], options: OpOptions): Promise<NodeDirent | undefined> {
  for (let i = 1; i <= names.length; i++) {
    const found = await tree.lookup(pathOf(names.slice(0, i)), { ...options, follow: false });
    if (found === undefined || (i < names.length && found.dirent.kind !== 'dir')) return undefined;
  }
  return await tree.dirent(pathOf(names), options);
}
