import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { TreePath } from './path.ts';
import { joinPath, pathOf, ROOT_PATH } from './path.ts';
import { resolvePath } from './resolve.ts';
import type { Tree } from './tree.ts';

/** The result of resolving a path. */
export interface RealPath {
  /** Without symlinks, except in its last element. */
  readonly path: TreePath;
  /** The paths of the symlinks that were followed. */
  readonly symlinks: readonly TreePath[];
}

interface PathNode {
  readonly path: TreePath;
  readonly kind: 'dir' | 'symlink' | 'other';
  readonly target: Octets;
}

/**
 * Resolves the symlinks on a path.
 *
 * @throws {PathError} as `Tree.lookup` if a Dir on the way does not exist
 */
export async function realPath(tree: Tree, path: TreePath, follow: boolean, options: OpOptions = {}): Promise<RealPath> {
  const symlinks: TreePath[] = [];
  const { names } = await resolvePath<PathNode>(
    {
      root: { path: ROOT_PATH, kind: 'dir', target: '' as Octets },
      kind: ({ kind }) => kind,
      child: async (dir, name) => {
        const at = joinPath(dir.path, name);
        const kind = (await tree.lookup(at, { ...options, follow: false }))?.dirent.kind;
        if (kind === undefined) return undefined;
        if (kind !== 'symlink') return { path: at, kind: kind === 'dir' ? 'dir' : 'other', target: '' as Octets };
        return { path: at, kind: 'symlink', target: await tree.readlink(at, options) };
      },
      target: (symlink) => {
        symlinks.push(symlink.path);
        return symlink.target;
      },
    },
    path,
    follow,
    'look up',
  );
  return { path: pathOf(names), symlinks };
}
