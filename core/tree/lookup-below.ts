import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import type { TreePath } from './path.ts';
import { joinPath } from './path.ts';
import type { Tree, TreeEntry } from './tree.ts';

/**
 * Finds the self-contained Dirent of a path below a Dir; undefined if there is none. It follows no symlinks, since their targets
 * are different nodes.
 *
 * @param below - the path's elements, separated by slashes
 */
export async function direntBelow(
  tree: Tree,
  top: TreePath,
  below: Octets,
  options: OpOptions = {},
): Promise<Exclude<Dirent, IndirectDirent> | undefined> {
  let path = top;
  for (const name of ['' as Octets, ...(below.split('/') as Octets[])]) {
    if (name !== '') path = joinPath(path, name);
    const entry = await tree.lookup(path, { ...options, follow: false });
    if (entry === undefined || (entry.dirent.kind !== 'dir' && path.length < top.length + below.length)) return undefined;
  }
  return await tree.dirent(path, options);
}

/** Finds the entry of a path without following symlinks, since their targets are different nodes; undefined if there is none. */
export async function entryByNames(tree: Tree, path: TreePath, options: OpOptions = {}): Promise<TreeEntry | undefined> {
  for (let end = 0; ; ) {
    const slash = path.indexOf('/', end + 1);
    end = slash < 0 ? path.length : slash;
    const entry = await tree.lookup(path.slice(0, end) as TreePath, { ...options, follow: false });
    if (entry === undefined || end === path.length) return entry;
    if (entry.dirent.kind !== 'dir') return undefined;
  }
}
