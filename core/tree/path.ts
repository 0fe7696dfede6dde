import { PathError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';

/** An absolute path in a tree, in octets: `/` or `/a/b`, without `.`, `..`, empty elements or a trailing slash. */
export type TreePath = Octets;

/** The path of a tree's root. */
export const ROOT_PATH = '/' as TreePath;

/** Maximum octets of a name, as on most filesystems (NAME_MAX in limits.h on Linux). */
export const MAX_NAME_SIZE = 255;

/** Splits a tree path into its elements; none for the root. */
export function splitPath(path: TreePath): Octets[] {
  return path.split('/').filter((element) => element !== '') as Octets[];
}

/** Joins the path of a Dir and the name of an entry in it. */
export function joinPath(parent: TreePath, name: Octets): TreePath {
  return (parent === '/' ? `/${name}` : `${parent}/${name}`) as TreePath;
}

/** Joins elements to a path. */
export function pathOf(elements: readonly Octets[]): TreePath {
  return `/${elements.join('/')}` as TreePath;
}

/** The path of the Dir that contains `path`; the root for the root itself. */
export function parentPath(path: TreePath): TreePath {
  const slash = path.lastIndexOf('/');
  return (slash <= 0 ? '/' : path.slice(0, slash)) as TreePath;
}

/** The last element of a path; empty for the root. */
export function baseName(path: TreePath): Octets {
  return path.slice(path.lastIndexOf('/') + 1) as Octets;
}

/** Whether `path` is `ancestor` or below it; compares the texts only. */
export function isWithin(ancestor: TreePath, path: TreePath): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}

/**
 * Resolves a user's path relative to `cwd`, or to the root if it starts with a slash. Like `cd` of a POSIX shell it works on the
 * text only: it removes `.` and empty elements, and `..` with the element before it (at the root only `..`).
 */
export function resolveTreePath(cwd: TreePath, words: Octets): TreePath {
  const elements = words.startsWith('/') ? [] : splitPath(cwd);
  for (const element of splitPath(words)) {
    if (element === '..') elements.pop();
    else if (element !== '.') elements.push(element);
  }
  return pathOf(elements);
}

/** Whether octets are a valid entry name: not empty, `.` or `..`, and without NUL and slash. */
export function isEntryName(name: Octets): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/**
 * Checks the name of a new entry.
 *
 * @throws {PathError} EINVAL for an invalid name, ENAMETOOLONG above {@link MAX_NAME_SIZE} octets
 */
export function checkEntryName(name: Octets, action: string, path: TreePath): void {
  if (!isEntryName(name)) throw new PathError('EINVAL', action, path);
  if (name.length > MAX_NAME_SIZE) throw new PathError('ENAMETOOLONG', action, path);
}
