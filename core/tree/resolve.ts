import { PathError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { TreePath } from './path.ts';
import { MAX_NAME_SIZE, splitPath } from './path.ts';

/** Symlinks followed in one resolution before ELOOP: Linux's limit (path_resolution(7)). */
export const MAX_SYMLINKS = 40;

/** Most elements that a resolution walks through, those of symlinks included: a bound on work, not on depth. */
const MAX_ELEMENTS = 1_000_000;

/** What a resolution asks of a tree; `N` is a node of it. */
export interface PathNodes<N> {
  readonly root: N;
  /** What the node is: only Dirs are walked into, only symlinks followed. */
  kind(node: N): 'dir' | 'symlink' | 'other';
  /** The entry of a Dir, or undefined; at once where it is at hand. */
  child(dir: N, name: Octets): Promise<N | undefined> | N | undefined;
  /** The target of a symlink. */
  target(symlink: N): Octets;
}

/** Where a path leads once its symlinks are followed. */
export interface Resolved<N> {
  /** The Dirs from the root to the node's parent, outermost first; empty for the root itself. */
  readonly dirs: readonly N[];
  /** The names of those Dirs but the root, then the node's own. */
  readonly names: readonly Octets[];
  /** Undefined where only the last element does not exist. */
  readonly node: N | undefined;
}

/**
 * Walks a path from the root, following symlinks; absolute targets start at the root, and `..` in a target is the
 * parent of where the walk stands. The last element's symlink is followed if `follow`.
 *
 * @param action - for the messages of errors: `read`
 * @throws {PathError} ENOENT where an element before the last does not exist, ENOTDIR where it is no Dir, ELOOP after
 *   {@link MAX_SYMLINKS} symlinks, ENAMETOOLONG
 */
export async function resolvePath<N>(nodes: PathNodes<N>, path: TreePath, follow: boolean, action: string): Promise<Resolved<N>> {
  const dirs: N[] = [];
  const names: Octets[] = [];
  // Elements still to walk, the next one last.
  const ahead = splitPath(path).reverse();
  let node: N = nodes.root;
  let symlinks = 0;
  // Where the last element ended in a slash (of a symlink's target), it must be a Dir.
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
    // Waiting for what is at hand would cost more than finding it.
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
