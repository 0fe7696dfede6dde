import { PathError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Meta } from '../dirent/meta.ts';
import type { TreePath } from './path.ts';
import { joinPath, ROOT_PATH, splitPath } from './path.ts';
import type { Tree } from './tree.ts';

/**
 * Makes a Dir and those above it; one that is there is no error.
 *
 * @param meta - of those that are made
 * @throws {PathError} ENOTDIR where something else has the path of one
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
