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

/** The local target of a stored entry. */
export interface GetTarget {
  /** The entry's path; with a final `/.`, a symlink is followed. */
  readonly source: TreePath;
  /** Absolute; without symlinks before its last element, except those that the user typed. */
  readonly local: Octets;
  /** Whether the entries of the Dir go into an existing directory, whose metadata stays. */
  readonly isContents: boolean;
}

/** The target as the user gave it. */
export interface GetPlace {
  readonly localCwd: Octets;
  /** LOCAL, if given. */
  readonly local: Octets | undefined;
  /** Whether there are several names: each goes inside LOCAL. */
  readonly isOneOfMany: boolean;
}

/**
 * The local path for an entry. As with cp and sftp, it is inside LOCAL if that is a directory, else LOCAL itself.
 *
 * @param argument - the entry as typed: `DIR/.` and `/` mean the contents of a Dir
 * @throws {PathError} ENOENT or ENOTDIR if LOCAL must be a directory and is not
 * @throws {UsageError} if LOCAL is missing
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

/** The directory to which a path leads, without symlinks; undefined if there is none. */
function directoryAt(path: Octets): Octets | undefined {
  const bytes = pathBytes(path);
  if (withoutDenial(path, () => statSync(bytes, { throwIfNoEntry: false }))?.isDirectory() !== true) return undefined;
  return lstatOrDenied(path)?.isSymbolicLink() === true ? octetsFromBytes(realpathSync.native(bytes, 'buffer')) : path;
}

/**
 * Refuses to replace a device, FIFO or socket at LOCAL, or behind a symlink there, by a file. `get x /dev/null` would cost a machine its
 * /dev/null, and `get x /dev/stdout` everything that is written there later.
 *
 * @throws {VtError} EFAILED if `target` is a special file of another kind than the entry
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

/**
 * Runs a stat of a local path.
 *
 * @returns undefined if it fails for another reason than a denial
 * @throws {PathError} EACCES
 */
function withoutDenial<T>(path: Octets, stat: () => T | undefined): T | undefined {
  try {
    return stat();
  } catch (error) {
    if (errorCode(error) === 'EACCES') throw new PathError('EACCES', 'write into local', path, { cause: error });
    // The path is too long, or leads through a file: using it gives the error.
    return undefined;
  }
}
