import type { Stats } from 'node:fs';
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { PathError, UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromBytes, octetsToText } from '../../../core/base/octets.ts';
import { errorCode, pathBytes } from '../../../core/base/system/system-error.ts';
import { specialFileAt } from '../../../core/export/special-file.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { baseName } from '../../../core/tree/path.ts';
import type { TreeEntry } from '../../../core/tree/tree.ts';
import { endsAsDirectory, resolveLocalPath } from '../local-path.ts';

/** What a stored entry becomes. */
export interface GetTarget {
  /** The entry's path; a symlink that was named with a slash after it means what it leads to. */
  readonly source: TreePath;
  /** Absolute; no symlink before its last element but those that the user named. */
  readonly local: Octets;
  /** The entries of the Dir go into a directory that is there, whose own metadata is not the Dir's. */
  readonly isContents: boolean;
}

/** Where to, as the user said it. */
export interface GetPlace {
  readonly localCwd: Octets;
  /** LOCAL, if given. */
  readonly local: Octets | undefined;
  /** Several names: each goes inside. */
  readonly isOneOfMany: boolean;
}

/**
 * The local path that an entry becomes: as with cp and sftp it goes into a directory that is there, and else becomes
 * what LOCAL names.
 *
 * @param argument - the entry as it was named: `DIR/.` and `/` are the contents of a Dir
 */
export function getTarget(place: GetPlace, argument: Octets, entry: TreeEntry): GetTarget {
  const source = (endsAsDirectory(argument) && entry.path !== '/' ? `${entry.path}/.` : entry.path) as TreePath;
  return { source, ...localTarget(place, argument, entry) };
}

function localTarget({ localCwd, local, isOneOfMany }: GetPlace, argument: Octets, entry: TreeEntry): Omit<GetTarget, 'source'> {
  const isContents = entry.dirent.kind === 'dir' && (entry.path === '/' || /(?:^|\/)\.{1,2}$/.test(argument));
  if (local === undefined) {
    if (isContents)
      throw new UsageError(`get "${octetsToText(argument)}": LOCAL is missing`, { remedy: `get ${octetsToText(argument)} LOCAL` });
    return { local: inside(localCwd, entry), isContents };
  }
  const path = resolveLocalPath(localCwd, local);
  const folder = directoryAt(path);
  if (folder !== undefined) return isContents ? { local: folder, isContents } : { local: inside(folder, entry), isContents };
  const makesDir = entry.dirent.kind === 'dir' && !isOneOfMany && !/(?:^|\/)\.{1,2}$/.test(local);
  if (makesDir || !(isOneOfMany || endsAsDirectory(local))) return { local: path, isContents };
  throw new PathError(lstatOrDenied(path.replace(/[/.]+$/, '') as Octets) === undefined ? 'ENOENT' : 'ENOTDIR', 'write into local', path);
}

function inside(folder: Octets, entry: TreeEntry): Octets {
  const name = baseName(entry.path) || entry.dirent.name;
  return (folder === '/' ? `/${name}` : `${folder}/${name}`) as Octets;
}

/** The directory that a path leads to, without symlinks; undefined where it leads to none. */
function directoryAt(path: Octets): Octets | undefined {
  const bytes = pathBytes(path);
  if (withoutDenial(path, () => statSync(bytes, { throwIfNoEntry: false }))?.isDirectory() !== true) return undefined;
  return lstatOrDenied(path)?.isSymbolicLink() === true ? octetsFromBytes(realpathSync.native(bytes, 'buffer')) : path;
}

/**
 * A device, FIFO or socket that LOCAL names, or a symlink there leads to, is not replaced by a file. `get x /dev/null`
 * would cost a machine its /dev/null, and `get x /dev/stdout` everything that writes there later.
 *
 * @throws {VtError} where a node is at `target` and another kind of node would take its place
 */
export function refuseSpecial(entry: TreeEntry, target: Octets): void {
  const special = withoutDenial(target, () => specialFileAt(target));
  if (special === undefined || (!special.isBehindLink && special.kind === entry.dirent.kind)) return;
  throw new VtError('EFAILED', `get "${octetsToText(entry.path)}": "${octetsToText(target)}" ${special.text}`, {
    remedy: 'cat NAME > LOCAL writes into it',
  });
}

function lstatOrDenied(path: Octets): Stats | undefined {
  return withoutDenial(path, () => lstatSync(pathBytes(path), { throwIfNoEntry: false }));
}

/** What is at a local path. @throws {PathError} EACCES where that may not be known */
function withoutDenial<T>(path: Octets, stat: () => T | undefined): T | undefined {
  try {
    return stat();
  } catch (error) {
    if (errorCode(error) === 'EACCES') throw new PathError('EACCES', 'write into local', path, { cause: error });
    // A path that is too long, or leads through a file: using it gives the error.
    return undefined;
  }
}
