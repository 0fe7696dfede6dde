import { PathError } from '../../core/base/errors.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { resolveTreePath } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { GlobSide } from './glob.ts';

/** A tree for globs and completion. */
export function treeGlobSide(tree: Tree, cwd: TreePath, signal?: AbortSignal): GlobSide {
  return {
    async *list(path) {
      try {
        for await (const entry of tree.list(resolveTreePath(cwd, path), { signal })) {
          const { dirent } = entry;
          const isDir = dirent.kind === 'dir' || (dirent.kind === 'symlink' && (await leadsToDir(tree, entry.path)));
          yield { name: entry.name, isDir };
        }
      } catch (error) {
        if (!(error instanceof PathError)) throw error;
      }
    },
    async exists(path) {
      return (await lookup(tree, resolveTreePath(cwd, path), false)) !== undefined;
    },
  };
}

async function leadsToDir(tree: Tree, path: TreePath): Promise<boolean> {
  return (await lookup(tree, path, true))?.dirent.kind === 'dir';
}

/** As `lookup`, but returns undefined for a path through a file or a dangling symlink. */
async function lookup(tree: Tree, path: TreePath, follow: boolean): ReturnType<Tree['lookup']> {
  try {
    return await tree.lookup(path, { follow });
  } catch (error) {
    if (error instanceof PathError) return undefined;
    throw error;
  }
}
