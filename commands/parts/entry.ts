import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH, resolveTreePath } from '../../core/tree/path.ts';
import type { LookupOptions, Tree, TreeEntry } from '../../core/tree/tree.ts';
import type { Session } from '../session.ts';

/** The absolute path in the tree of an argument. */
export function pathArgument(session: Session, argument: Octets): TreePath {
  return resolveTreePath(session.cwd, argument);
}

/** The path of an argument as a source: with a final slash, it must be a Dir, or a symlink that leads to one. */
export function sourceArgument(session: Session, argument: Octets): TreePath {
  const path = pathArgument(session, argument);
  return argument.endsWith('/') && path !== ROOT_PATH ? (`${path}/.` as TreePath) : path;
}

/** Whether a path leads to a Dir, also by symlinks; false for dangling and circular symlinks. */
export async function leadsToDir(tree: Tree, path: TreePath, signal: AbortSignal): Promise<boolean> {
  try {
    return (await tree.lookup(path, { signal }))?.dirent.kind === 'dir';
  } catch (error) {
    if (error instanceof PathError && error.errno === 'ELOOP') return false;
    throw error;
  }
}

/** An entry and its tree. */
export interface FoundEntry {
  readonly tree: Tree;
  readonly path: TreePath;
  readonly entry: TreeEntry;
}

/** A `FoundEntry`. If it belongs to a past state, that state stays open until disposal. */
export type HeldEntry = FoundEntry & AsyncDisposable;

/**
 * Finds the entry that an argument names in the shown tree. If there is none, `PATH@N` and `PATH@DATE` name PATH in that past state.
 * `DIR@N/REST` is the same as `DIR/REST@N`.
 *
 * @param action - for messages
 * @returns the entry; the caller disposes of it
 * @throws {PathError} ENOENT if there is none
 */
export async function findEntry(session: Session, argument: Octets, action: string, options: LookupOptions): Promise<HeldEntry> {
  const path = pathArgument(session, argument);
  const entry = await session.tree.lookup(path, options);
  if (entry !== undefined) return { tree: session.tree, path, entry, [Symbol.asyncDispose]: () => Promise.resolve() };
  const past = session.archive === undefined ? undefined : await pastArgument(session, argument, options);
  if (past === undefined) throw new PathError('ENOENT', action, path);
  const { state, name } = past;
  try {
    const pastPath = pathArgument(session, name);
    const found = await state.tree.lookup(pastPath, options);
    if (found === undefined) throw new PathError('ENOENT', action, `${pastPath}${state.view}` as Octets);
    return { tree: state.tree, path: pastPath, entry: found, [Symbol.asyncDispose]: () => state.tree[Symbol.asyncDispose]() };
  } catch (error) {
    await state.tree[Symbol.asyncDispose]();
    throw error;
  }
}

/** Calls `use` with the entry that `findEntry` finds, then disposes of it. */
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

/**
 * The state that an argument names, and the path without it: `PATH@N`, or `DIR@N/REST`, which is `DIR/REST@N`. Undefined if it names no
 * state. The caller disposes of the state's tree.
 */
export async function pastArgument(
  session: Session,
  argument: Octets,
  options: LookupOptions,
): Promise<{ readonly state: { readonly view: string; readonly tree: Tree }; readonly name: Octets } | undefined> {
  const at = argument.lastIndexOf('@');
  if (at < 0) return undefined;
  const before = at === 0 ? '.' : argument.slice(0, at);
  const after = argument.slice(at + 1);
  const whole = await stateOrNone(session, after as Octets, options);
  if (whole !== undefined) return { state: whole, name: before as Octets };
  const slash = after.indexOf('/');
  const state = slash < 1 ? undefined : await stateOrNone(session, after.slice(0, slash) as Octets, options);
  return state && { state, name: `${before}${after.slice(slash)}` as Octets };
}

/** The state, or undefined: text after an @ in a name may be part of the name. */
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
  if (entry === undefined) throw new PathError('ENOENT', action, path);
  return entry;
}
