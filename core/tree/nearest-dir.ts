import { PathError } from '../base/errors.ts';
import type { TreePath } from './path.ts';
import { ROOT_PATH } from './path.ts';
import type { Tree } from './tree.ts';

/** Returns the path itself if it is a Dir in the tree, else the nearest parent that is. */
export async function nearestDir(tree: Pick<Tree, 'lookup'>, path: TreePath): Promise<TreePath> {
  for (let at = path; at !== ROOT_PATH; at = (at.slice(0, at.lastIndexOf('/')) || '/') as TreePath)
    if ((await tree.lookup(at).catch(absent))?.dirent.kind === 'dir') return at;
  return ROOT_PATH;
}

function absent(error: unknown): undefined {
  if (error instanceof PathError) return undefined;
  throw error;
}
