import { PathError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import { resolveTreePath } from '../core/tree/path.ts';
import type { LookupOptions, Tree, TreeEntry, TreePath } from '../core/tree/tree.ts';
import type { Session } from './session.ts';

/** The absolute path in the tree that an argument names. */
export function pathArgument(session: Session, argument: Octets): TreePath {
  return resolveTreePath(session.cwd, argument);
}

/**
 * The entry at a path.
 *
 * @param action - what is being done, for the message: `list`
 * @throws {PathError} ENOENT if there is none
 */
export async function requireEntry(tree: Tree, path: TreePath, action: string, options: LookupOptions = {}): Promise<TreeEntry> {
  const entry = await tree.lookup(path, options);
  if (entry === undefined) throw new PathError('ENOENT', action, octetsToText(path));
  return entry;
}
