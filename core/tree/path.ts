import { PathError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';

/** An absolute path in a tree: `/` or `/a/b`, of octets, without `.`, `..`, empty elements or a trailing slash. */
export type TreePath = Octets;

/** The path of a tree's root. */
export const ROOT_PATH = '/' as TreePath;

/** Most octets of one name, as on the filesystems that trees come from (NAME_MAX of limits.h on Linux). */
export const MAX_NAME_SIZE = 255;

/** The elements of a tree path; none for the root. */
export function splitPath(path: TreePath): Octets[] {
  return path.split('/').filter((element) => element !== '') as Octets[];
}

/** The path of `name` within the Dir at `parent`. */
export function joinPath(parent: TreePath, name: Octets): TreePath {
  return (parent === '/' ? `/${name}` : `${parent}/${name}`) as TreePath;
}

/** The path that these elements spell. */
export function pathOf(elements: readonly Octets[]): TreePath {
  return `/${elements.join('/')}` as TreePath;
}

/** The path of the Dir that holds `path`; the root's is the root. */
export function parentPath(path: TreePath): TreePath {
  const slash = path.lastIndexOf('/');
  return (slash <= 0 ? '/' : path.slice(0, slash)) as TreePath;
}

/** The last element of `path`; empty for the root. */
export function baseName(path: TreePath): Octets {
  return path.slice(path.lastIndexOf('/') + 1) as Octets;
}

/** Whether `path` is `ancestor` or below it, by their spelling. */
export function isWithin(ancestor: TreePath, path: TreePath): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}

/**
 * The absolute path that a user's words mean: `words` from `cwd`, or from the root where they start with a slash.
 * `.` and empty elements go, `..` takes back one element (at the root none): by spelling, as `cd` of a POSIX shell does.
 */
export function resolveTreePath(cwd: TreePath, words: Octets): TreePath {
  const elements = words.startsWith('/') ? [] : splitPath(cwd);
  for (const element of splitPath(words)) {
    if (element === '..') elements.pop();
    else if (element !== '.') elements.push(element);
  }
  return pathOf(elements);
}

/** Whether octets can be the name of an entry: not empty, `.`, `..`, nor with a NUL or a slash within. */
export function isEntryName(name: Octets): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/**
 * Refuses what cannot be the name of a new entry.
 *
 * @throws {PathError} EINVAL for a name that is none, ENAMETOOLONG above {@link MAX_NAME_SIZE} octets
 */
export function checkEntryName(name: Octets, action: string, path: TreePath): void {
  if (!isEntryName(name)) throw new PathError('EINVAL', action, path);
  if (name.length > MAX_NAME_SIZE) throw new PathError('ENAMETOOLONG', action, path);
}
