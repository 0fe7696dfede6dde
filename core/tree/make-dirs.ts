import { PathError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Meta } from '../dirent/meta.ts';
import type { TreePath } from './path.ts';
import { joinPath, ROOT_PATH, splitPath } from './path.ts';
import type { Tree } from './tree.ts';

/**
 * Makes a Dir and its missing parents; existing Dirs are no error.
 *
 * @param meta - metadata of the new Dirs
 * @throws {PathError} ENOTDIR if something other than a Dir has one of the paths
 */
export async function makeDirs(tree: Tree, path: TreePath, meta: Meta, options: OpOptions = {}): Promise<void> {
  let at = ROOT_PATH;
  for (const element of splitPath(path)) {
    at = joinPath(at, element);
    const present = await tree.lookup(at, options);
    if (present === undefined) await tree.mkdir(at, meta, options);
    else if (present.dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'make directory', at);
  }
}
