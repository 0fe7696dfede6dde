import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { sameContent, sameDirent, sameMeta } from '../dirent/dirent-compare.ts';
import { linksWithin } from './live/live-node.ts';
import type { TreePath } from './path.ts';
import type { Tree } from './tree.ts';

/**
 * Whether another tree has the same at a path, so that removing it here loses nothing. A missing entry and an empty Dir
 * count as the same, since there is nothing to lose.
 */
export async function standsAlso(tree: Tree, path: TreePath, other: Tree, options: OpOptions = {}): Promise<boolean> {
  const how = { ...options, follow: false };
  const here = await tree.lookup(path, how);
  if (here === undefined) return true;
  const { dirent } = here;
  if (dirent.kind === 'dir') {
    if (here.isStale !== true && dirent.block.span === 0) return true;
    const there = await other.lookup(path, how);
    if (here.isStale === true || there?.dirent.kind !== 'dir') return false;
    // Without hard links, the Dirents can be compared. Otherwise nodes may be in tables further out.
    if (linksWithin(dirent) === 0) return sameDirent(dirent, there.dirent);
    return sameDirent(await tree.dirent(path, options), await other.dirent(path, options));
  }
  const there = await other.lookup(path, how);
  return there !== undefined && isSameLeaf(await tree.dirent(path, options), there.dirent);
}

function isSameLeaf(a: Dirent, b: Dirent): boolean {
  return a.kind === b.kind && sameMeta(a, b) && sameContent(a, b);
}
