import type { OpOptions } from '../core/base/op-options.ts';
import { baseName, parentPath } from '../core/tree/path.ts';
import type { Tree, TreePath } from '../core/tree/tree.ts';

/** How two paths lie to each other: the same entry, by whatever symlinks; two names of one node; or neither. */
export type Sameness = 'entry' | 'node' | undefined;

/** Compares what stands at two paths; nothing is the same as what is not there. */
export async function sameness(tree: Tree, one: TreePath, other: TreePath, options: OpOptions): Promise<Sameness> {
  const unfollowed = { ...options, follow: false };
  const [a, b] = [await tree.lookup(one, unfollowed), await tree.lookup(other, unfollowed)];
  if (a === undefined || b === undefined || a.id !== b.id) return undefined;
  if (a.nlink < 2 || one === other) return 'entry';
  if (baseName(one) !== baseName(other)) return 'node';
  const [above, aboveOther] = [await tree.lookup(parentPath(one), options), await tree.lookup(parentPath(other), options)];
  return above?.id === aboveOther?.id ? 'entry' : 'node';
}
