import { PathError } from '../../core/base/errors.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, parentPath } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';

/**
 * How two paths relate. `entry`: they are the same entry, perhaps through symlinks. `node`: they are two names of one node. `symlink`: the
 * first is a symlink to the second, which it would replace.
 */
export type Sameness = 'entry' | 'node' | 'symlink' | undefined;

/** Compares two paths; undefined if they are unrelated or one does not exist. */
export async function sameness(tree: Tree, one: TreePath, other: TreePath, options: OpOptions): Promise<Sameness> {
  const unfollowed = { ...options, follow: false };
  const [a, b] = [await tree.lookup(one, unfollowed), await tree.lookup(other, unfollowed)];
  if (a === undefined || b === undefined) return undefined;
  if (a.id !== b.id) return a.dirent.kind === 'symlink' && (await leadsTo(tree, one, b.id, options)) ? 'symlink' : undefined;
  if (a.nlink < 2 || one === other) return 'entry';
  if (baseName(one) !== baseName(other)) return 'node';
  const [above, aboveOther] = [await tree.lookup(parentPath(one), options), await tree.lookup(parentPath(other), options)];
  return above?.id === aboveOther?.id ? 'entry' : 'node';
}

async function leadsTo(tree: Tree, symlink: TreePath, id: number, options: OpOptions): Promise<boolean> {
  try {
    return (await tree.lookup(symlink, options))?.id === id;
  } catch (error) {
    if (error instanceof PathError && error.errno === 'ELOOP') return false;
    throw error;
  }
}
