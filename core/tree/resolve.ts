import { PathError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { TreePath } from './path.ts';
import { MAX_NAME_SIZE, splitPath } from './path.ts';

/** Maximum number of symlinks followed in one resolution; more give ELOOP. It is Linux's limit (path_resolution(7)). */
export const MAX_SYMLINKS = 40;

/** Maximum elements that one resolution walks, including those of symlinks: it limits the work, not the depth. */
const MAX_ELEMENTS = 1_000_000;

/** The operations of a tree that resolution uses; `N` is a node. */
export interface PathNodes<N> {
  readonly root: N;
  /** The kind of a node: only Dirs are entered, only symlinks are followed. */
  kind(node: N): 'dir' | 'symlink' | 'other';
  /** Finds an entry of a Dir, or undefined; synchronously if possible. */
  child(dir: N, name: Octets): Promise<N | undefined> | N | undefined;
  /** The target of a symlink. */
  target(symlink: N): Octets;
}

/** The result of resolving a path. */
export interface Resolved<N> {
  /** The Dirs from the root to the node's parent, outermost first; empty for the root itself. */
  readonly dirs: readonly N[];
  /** The names of those Dirs except the root, then the node's own name. */
  readonly names: readonly Octets[];
  /** The node; undefined if only the last element does not exist. */
  readonly node: N | undefined;
}

/**
 * Walks a path from the root and follows symlinks. Absolute targets start at the root; `..` in a target is the
 * parent of the current Dir. A symlink in the last element is followed if `follow`.
 *
 * @param action - the action, for error messages: `read`
 * @throws {PathError} ENOENT if an element before the last does not exist, ENOTDIR if it is no Dir, ELOOP after
 *   {@link MAX_SYMLINKS} symlinks, ENAMETOOLONG
 */
export async function resolvePath<N>(nodes: PathNodes<N>, path: TreePath, follow: boolean, action: string): Promise<Resolved<N>> {
  const dirs: N[] = [];
  const names: Octets[] = [];
  // Remaining elements in reverse order.
  const ahead = splitPath(path).reverse();
  let node: N = nodes.root;
  let symlinks = 0;
  // A symlink's target that ends with a slash must be a Dir.
  let mustBeDir = false;
  for (let steps = 0; ; steps++) {
    const name = ahead.pop();
    if (name === undefined) break;
    if (steps >= MAX_ELEMENTS) throw new PathError('ELOOP', action, path);
    if (nodes.kind(node) !== 'dir') throw new PathError('ENOTDIR', action, path);
    if (name === '.') continue;
    if (name === '..') {
      node = dirs.pop() ?? node;
      names.pop();
      continue;
    }
    if (name.length > MAX_NAME_SIZE) throw new PathError('ENAMETOOLONG', action, path);
    const found = nodes.child(node, name);
    // Avoid an `await` if there is no promise: it would cost more than the look-up.
    const child = found instanceof Promise ? await found : found;
    if (child === undefined) {
      if (ahead.length > 0) throw new PathError('ENOENT', action, path);
      dirs.push(node);
      names.push(name);
      return { dirs, names, node: undefined };
    }
    if (nodes.kind(child) === 'symlink' && (ahead.length > 0 || follow || mustBeDir)) {
      symlinks++;
      if (symlinks > MAX_SYMLINKS) throw new PathError('ELOOP', action, path);
      const target = nodes.target(child);
      if (target === '') throw new PathError('ENOENT', action, path);
      if (target.startsWith('/')) {
        node = nodes.root;
        dirs.length = 0;
        names.length = 0;
      }
      if (ahead.length === 0 && target.endsWith('/')) mustBeDir = true;
      for (const element of splitPath(target as TreePath).reverse()) ahead.push(element);
      continue;
    }
    dirs.push(node);
    names.push(name);
    node = child;
  }
  if (mustBeDir && nodes.kind(node) !== 'dir') throw new PathError('ENOTDIR', action, path);
  return { dirs, names, node };
}
