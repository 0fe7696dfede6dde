import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH, resolveTreePath } from '../../core/tree/path.ts';
import type { LookupOptions, Tree, TreeEntry } from '../../core/tree/tree.ts';
import type { Session } from '../session.ts';

/** The absolute path in the tree that an argument names. */
export function pathArgument(session: Session, argument: Octets): TreePath {
  return resolveTreePath(session.cwd, argument);
}

/** What an argument names as something to take: after a slash the Dir that it, or the symlink, leads to, and no file. */
export function sourceArgument(session: Session, argument: Octets): TreePath {
  const path = pathArgument(session, argument);
  return argument.endsWith('/') && path !== ROOT_PATH ? (`${path}/.` as TreePath) : path;
}

/** Whether a path leads to a Dir, by symlinks or not; one that leads nowhere, or round and round, does not. */
export async function leadsToDir(tree: Tree, path: TreePath, signal: AbortSignal): Promise<boolean> {
  try {
    return (await tree.lookup(path, { signal }))?.dirent.kind === 'dir';
  } catch (error) {
    if (error instanceof PathError && error.errno === 'ELOOP') return false;
    throw error;
  }
}

/** An entry, and the tree that it is of. */
export interface FoundEntry {
  readonly tree: Tree;
  readonly path: TreePath;
  readonly entry: TreeEntry;
}

/** A `FoundEntry` whose past state, if it is of one, stays open until it is disposed of. */
export type HeldEntry = FoundEntry & AsyncDisposable;

/**
 * Finds the entry that an argument names in the tree that is shown; where there is none and the argument is
 * `PATH@N` or `PATH@DATE`, the one at PATH in that past state.
 *
 * @returns the entry; the caller disposes of it
 * @throws {PathError} ENOENT if there is none
 */
export async function findEntry(session: Session, argument: Octets, action: string, options: LookupOptions): Promise<HeldEntry> {
  const path = pathArgument(session, argument);
  const entry = await session.tree.lookup(path, options);
  if (entry !== undefined) return { tree: session.tree, path, entry, [Symbol.asyncDispose]: () => Promise.resolve() };
  const at = argument.lastIndexOf('@');
  const state = at < 0 || session.archive === undefined ? undefined : await stateOrNone(session, argument.slice(at + 1) as Octets, options);
  if (state === undefined) throw new PathError('ENOENT', action, octetsToText(path));
  try {
    const pastPath = pathArgument(session, (at === 0 ? '.' : argument.slice(0, at)) as Octets);
    const found = await state.tree.lookup(pastPath, options);
    if (found === undefined) throw new PathError('ENOENT', action, `${octetsToText(pastPath)}${state.view}`);
    return { tree: state.tree, path: pastPath, entry: found, [Symbol.asyncDispose]: () => state.tree[Symbol.asyncDispose]() };
  } catch (error) {
    await state.tree[Symbol.asyncDispose]();
    throw error;
  }
}

/** Gives `use` the entry that `findEntry` finds, and disposes of it. */
export async function withEntry<T>(
  session: Session,
  argument: Octets,
  action: string,
  options: LookupOptions,
  use: (found: FoundEntry) => Promise<T>,
): Promise<T> {
  const found = await findEntry(session, argument, action, options);
  try {
    return await use(found);
  } finally {
    await found[Symbol.asyncDispose]();
  }
}

/** What follows an @ in a name need not be meant for a state. */
async function stateOrNone(
  session: Session,
  spec: Octets,
  { signal }: LookupOptions,
): Promise<{ readonly view: string; readonly tree: Tree } | undefined> {
  try {
    return await session.stateAt(octetsToText(spec), signal);
  } catch (error) {
    if (error instanceof VtError && error.code === 'EUSAGE') return undefined;
    throw error;
  }
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
