import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { NodeDirent } from './diff/diff.ts';
import { pathOf } from './path.ts';
import type { Tree } from './tree.ts';

/**
 * What a tree has at a path, self-contained; undefined where it has nothing there. No symlink is followed: a user who changes the tree could
 * else make another part of it of one that was given to somebody.
 */
export async function partOfTree(tree: Tree, names: readonly Octets[], options: OpOptions): Promise<NodeDirent | undefined> {
  for (let i = 1; i <= names.length; i++) {
    const found = await tree.lookup(pathOf(names.slice(0, i)), { ...options, follow: false });
    if (found === undefined || (i < names.length && found.dirent.kind !== 'dir')) return undefined;
  }
  return await tree.dirent(pathOf(names), options);
}
