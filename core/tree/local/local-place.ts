import type { PathErrorName } from '../../base/errors.ts';
import { PathError, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { errorCode } from '../../base/system/system-error.ts';
import type { TreePath } from '../path.ts';
import { checkEntryName } from '../path.ts';
import type { Resolved } from '../resolve.ts';
import { resolvePath } from '../resolve.ts';
import type { LocalNode } from './local-node.ts';
import { localChildPath, localNames, localNode, localTarget } from './local-node.ts';

/** The place of an existing or possible entry of an ordinary directory. */
export interface LocalPlace {
  /** The directory's path on disk, without symlinks. */
  readonly dir: Octets;
  readonly name: Octets;
  /** `dir` and `name`. */
  readonly path: Octets;
  readonly node: LocalNode | undefined;
}

/** Resolves paths within a directory on disk; they never lead out of it. */
export class LocalPaths {
  readonly root: LocalNode;

  constructor(root: LocalNode) {
    this.root = root;
  }

  /** See `resolvePath`; symlinks are resolved here, not by the system. */
  resolve(path: TreePath, action: string, follow: boolean): Promise<Resolved<LocalNode>> {
    return resolvePath<LocalNode>(
      {
        root: this.root,
        kind: ({ kind }) => (kind === 'dir' || kind === 'symlink' ? kind : 'other'),
        child: (dir, name) => (name.includes('\0') ? undefined : localNode(localChildPath(dir.path, name))),
        target: localTarget,
      },
      path,
      follow,
      action,
    );
  }

  /** Finds the node at a path. @throws {PathError} ENOENT if there is none, and others */
  async existing(path: TreePath, action: string, follow: boolean): Promise<LocalNode> {
    const { node } = await this.resolve(path, action, follow);
    if (node === undefined) throw new PathError('ENOENT', action, path);
    return node;
  }

  /** Finds the place of a path whose parent exists. @throws {PathError} with the code `ofRoot` for the root, and others */
  async place(path: TreePath, action: string, follow: boolean, ofRoot: PathErrorName = 'EINVAL'): Promise<LocalPlace> {
    const { dirs, names, node } = await this.resolve(path, action, follow);
    const dir = dirs.at(-1);
    const name = names.at(-1);
    if (dir === undefined || name === undefined) throw new PathError(ofRoot, action, path);
    return { dir: dir.path, name, node, path: localChildPath(dir.path, name) };
  }

  /** Finds the place of an existing entry. @throws {PathError} ENOENT if there is none, EINVAL for the root, and others */
  async existingPlace(path: TreePath, action: string): Promise<LocalPlace & { readonly node: LocalNode }> {
    const place = await this.place(path, action, false);
    if (place.node === undefined) throw new PathError('ENOENT', action, path);
    return { ...place, node: place.node };
  }

  /** Finds the place for a new entry. @throws {PathError} EEXIST if there is an entry, and others */
  async newPlace(path: TreePath, action: string): Promise<LocalPlace> {
    const place = await this.place(path, action, false, 'EEXIST');
    if (place.node !== undefined) throw new PathError('EEXIST', action, path);
    checkEntryName(place.name, action, path);
    return place;
  }
}

/** Whether two nodes are the same file, possibly under different names. */
export function sameLocalNode(a: LocalNode, b: LocalNode): boolean {
  return a.stat.dev === b.stat.dev && a.stat.ino === b.stat.ino;
}

/** Refuses replacements like rename(2). @throws {PathError} EISDIR, ENOTDIR if only one is a directory; ENOTEMPTY */
export function checkLocalReplace(node: LocalNode, target: LocalNode | undefined, action: string, path: TreePath): void {
  if (target === undefined || (target.kind !== 'dir' && node.kind !== 'dir')) return;
  if (target.kind !== 'dir') throw new PathError('ENOTDIR', action, path);
  if (node.kind !== 'dir') throw new PathError('EISDIR', action, path);
  if (localNames(target).length > 0) throw new PathError('ENOTEMPTY', action, path);
}

const PATH_ERRORS: ReadonlySet<string> = new Set<PathErrorName>([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ENOTEMPTY',
  'ELOOP',
  'EINVAL',
  'ENAMETOOLONG',
  'EXDEV',
  'EMLINK',
  'EROFS',
  'EPERM',
  'EACCES',
]);

/** Converts a system call's error into a PathError; returns other errors unchanged. */
export function localPathError(error: unknown, action: string, path: TreePath): unknown {
  if (error instanceof VtError) return error;
  const code = errorCode(error);
  if (code === undefined || code.startsWith('ERR_')) return error;
  if (PATH_ERRORS.has(code)) return new PathError(code as PathErrorName, action, path, { cause: error });
  return new VtError('EFAILED', `${action} "${octetsToText(path)}": ${code}`, { cause: error });
}
