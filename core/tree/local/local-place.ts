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

/** Where an entry of an ordinary directory is, or could be. */
export interface LocalPlace {
  /** The directory's path on disk, without symlinks. */
  readonly dir: Octets;
  readonly name: Octets;
  /** `dir` and `name`. */
  readonly path: Octets;
  readonly node: LocalNode | undefined;
}

/** Walks paths within a directory on disk, and never out of it. */
export class LocalPaths {
  readonly root: LocalNode;

  constructor(root: LocalNode) {
    this.root = root;
  }

  /** See `resolvePath`; symlinks are read here, not followed by the system. */
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

  /** The node at a path. @throws {PathError} ENOENT */
  async existing(path: TreePath, action: string, follow: boolean): Promise<LocalNode> {
    const { node } = await this.resolve(path, action, follow);
    if (node === undefined) throw new PathError('ENOENT', action, path);
    return node;
  }

  /** The place of a path whose parent exists. @throws {PathError} `ofRoot` for the root */
  async place(path: TreePath, action: string, follow: boolean, ofRoot: PathErrorName = 'EINVAL'): Promise<LocalPlace> {
    const { dirs, names, node } = await this.resolve(path, action, follow);
    const dir = dirs.at(-1);
    const name = names.at(-1);
    if (dir === undefined || name === undefined) throw new PathError(ofRoot, action, path);
    return { dir: dir.path, name, node, path: localChildPath(dir.path, name) };
  }

  /** The place of an entry that exists and is not the root. @throws {PathError} */
  async existingPlace(path: TreePath, action: string): Promise<LocalPlace & { readonly node: LocalNode }> {
    const place = await this.place(path, action, false);
    if (place.node === undefined) throw new PathError('ENOENT', action, path);
    return { ...place, node: place.node };
  }

  /** The place of an entry that does not exist yet. @throws {PathError} */
  async newPlace(path: TreePath, action: string): Promise<LocalPlace> {
    const place = await this.place(path, action, false, 'EEXIST');
    if (place.node !== undefined) throw new PathError('EEXIST', action, path);
    checkEntryName(place.name, action, path);
    return place;
  }
}

/** Whether two are one file, under whatever names. */
export function sameLocalNode(a: LocalNode, b: LocalNode): boolean {
  return a.stat.dev === b.stat.dev && a.stat.ino === b.stat.ino;
}

/** Refuses what rename(2) refuses to replace. */
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

/** A system call's error as one of the tree's; other errors as they are. */
export function localPathError(error: unknown, action: string, path: TreePath): unknown {
  if (error instanceof VtError) return error;
  const code = errorCode(error);
  if (code === undefined || code.startsWith('ERR_')) return error;
  if (PATH_ERRORS.has(code)) return new PathError(code as PathErrorName, action, path, { cause: error });
  return new VtError('EFAILED', `${action} "${octetsToText(path)}": ${code}`, { cause: error });
}
