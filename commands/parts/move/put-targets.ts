import { lstatSync, statSync } from 'node:fs';
import { PathError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { errorReason, pathBytes } from '../../../core/base/system/system-error.ts';
import type { DirFilter } from '../../../core/filter/dir-filter.ts';
import type { NameFilter } from '../../../core/filter/name-filter.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { baseName, joinPath, parentPath } from '../../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../../command.ts';
import { distinctNames } from '../distinct-names.ts';
import { leadsToDir, pathArgument, requireEntry } from '../entry.ts';
import { endsAsDirectory, resolveLocalPath } from '../local-path.ts';
import type { OpenStream } from './put-stream.ts';
import { requireName, streamOf } from './put-stream.ts';

/** A local path and its target path in the tree. */
export interface PutTarget {
  readonly local: Octets;
  readonly path: TreePath;
  /** The rules that apply within it. */
  readonly filter?: DirFilter | undefined;
  /** Opens it, if it is a stream. */
  readonly stream?: OpenStream | undefined;
}

/** The targets of a put. @throws {VtError} if a target is impossible, before anything is read */
export async function putTargets(
  context: CommandContext,
  { named, options, expanded, calledAs }: CommandInput,
  rules: NameFilter | undefined,
): Promise<PutTarget[]> {
  const { session, signal } = context;
  const locals = (named.get('local') ?? []).map((word) => ({ word, local: resolveLocalPath(session.localCwd, word) }));
  const [name] = named.get('name') ?? [];
  const path = name === undefined ? session.cwd : pathArgument(session, name);
  const [one] = locals;
  const isDir = name !== undefined && (await leadsToDir(session.tree, path, signal));
  const intoDir =
    name === undefined ||
    one === undefined ||
    locals.length > 1 ||
    calledAs === 'mput' ||
    // One match or several: a pattern replaces no Dir.
    (isDir && expanded.has('local')) ||
    goesInside(name, isDirectory(one.local), isDir);
  const dir = intoDir ? path : parentPath(path);
  // Check this now rather than after reading everything.
  const parent = await requireEntry(session.tree, dir, 'put into', { signal });
  if (parent.dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'put into', dir);
  const targets = locals.map(({ word, local }) => {
    const stream = streamOf(word, local, options.has('read-special'));
    const own = word === '-' ? ('' as Octets) : ownName(word, local);
    if (intoDir) requireName(word, own);
    return { source: local, local, target: intoDir ? joinPath(path, own) : path, stream };
  });
  // If a file is named both with and without a slash, the first is reported when it is read, and the other is put.
  const isWrong = ({ local }: { readonly local: Octets }): boolean =>
    local.endsWith('/') && !isThere(local) && targets.some((other) => `${other.local}/` === local);
  const kept = new Set(
    distinctNames(
      context,
      'put',
      targets.filter((target) => !isWrong(target)),
    ),
  );
  const distinct = targets
    .filter((target) => kept.has(target) || isWrong(target))
    .map(({ local, target, stream }) => ({ local, path: target, stream }));
  return rules === undefined ? distinct : await filtered(context, distinct, rules);
}

/** Checks a local path that can only be a directory. @throws {VtError} EFAILED with the system's error if it is not one */
export function requireDirectory(local: Octets): void {
  if (!endsAsDirectory(local) || local === '/') return;
  try {
    lstatSync(pathBytes(local));
  } catch (error) {
    throw new VtError('EFAILED', `put "${octetsToText(local)}": ${errorReason(error)}`, { cause: error });
  }
}

/**
 * Whether a local path goes into NAME under its own name. A directory becomes the Dir NAME itself, unless a final slash says otherwise.
 * Anything else goes into an existing Dir, as with cp and sftp.
 */
function goesInside(name: Octets, isLocalDirectory: boolean, isThere: boolean): boolean {
  if (!isLocalDirectory) return isThere || endsAsDirectory(name);
  return endsAsDirectory(name) && (isThere || !name.endsWith('/'));
}

/** The last element as typed; for `.` and `..` the directory's real name. */
function ownName(word: Octets, local: Octets): Octets {
  const typed = baseName(word.replace(/(?<=[^/])\/+$/, '') as TreePath);
  return typed === '.' || typed === '..' ? baseName(local.replace(/[/.]+$/, '') as TreePath) : typed;
}

/** Drops targets that the rules exclude. */
async function filtered({ diagnostics }: CommandContext, targets: readonly PutTarget[], rules: NameFilter): Promise<PutTarget[]> {
  const { readFoundRules } = await import('../../../core/filter/read-rules.ts');
  if (targets.length === 1) return targets.map((target) => ({ ...target, filter: rules.at(target.local, readFoundRules) }));
  const left = targets.flatMap((target) => {
    const top = rules.at(parentPath(target.local as TreePath), readFoundRules);
    const name = baseName(target.local as TreePath);
    return top.excludes(name, isDirectory(target.local)) ? [] : [{ ...target, filter: top.enter(name) }];
  });
  if (left.length < targets.length)
    diagnostics.warn(`put: ${left.length === 0 ? 'all' : targets.length - left.length} of ${targets.length} excluded`);
  return left;
}

/** Refuses to replace a Dir by another kind of node, or the reverse. @throws {VtError} EFAILED */
export async function refuseOtherKind(
  { session, signal }: CommandContext,
  path: TreePath,
  isLocalDirectory: boolean,
  local: Octets,
): Promise<void> {
  const stood = await session.tree.lookup(path, { follow: false, signal });
  if (stood === undefined || (stood.dirent.kind === 'dir') === isLocalDirectory) return;
  const [what, other] = isLocalDirectory
    ? [stood.dirent.kind === 'file' ? 'a file' : `a ${stood.dirent.kind}`, 'a directory']
    : ['a Dir', 'none'];
  throw new VtError('EFAILED', `put "${octetsToText(path)}": it is ${what}, and "${octetsToText(local)}" is ${other}`, {
    remedy: 'put --force replaces it',
  });
}

/** Whether a local path exists; one with a final slash only as a directory. */
function isThere(local: Octets): boolean {
  try {
    statSync(pathBytes(local));
    return true;
  } catch {
    return false;
  }
}

/** Whether a local path is a directory, not a symlink to one. */
export function isDirectory(local: Octets): boolean {
  try {
    return lstatSync(pathBytes(local), { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // What is wrong with it comes out when it is read.
    return false;
  }
}
