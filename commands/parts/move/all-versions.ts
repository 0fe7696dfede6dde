import { statSync } from 'node:fs';
import { newestFirst } from '../../../core/archive/newest-first.ts';
import { PathError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { pathBytes } from '../../../core/base/system/system-error.ts';
import { pathHistory } from '../../../core/history/path-history.ts';
import { baseName, ROOT_PATH } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import type { FoundEntry } from '../entry.ts';
import { pathArgument, requireEntry } from '../entry.ts';
import { resolveLocalPath } from '../local-path.ts';
import type { GetPlace, GetTarget } from './get-targets.ts';

/** A recorded version of an entry, and its local target. */
export interface Version {
  readonly found: FoundEntry;
  readonly target: GetTarget;
}

/**
 * Calls `use` with each recorded version of the entry that an argument names, newest first. Each version comes from the state that
 * introduced it, and becomes `NAME@N` in the directory LOCAL.
 *
 * @throws {VtError} EFAILED without an archive, or if no state has the entry
 * @throws {PathError} ENOTDIR if LOCAL is not a directory
 */
export async function withAllVersions(
  { session, signal }: CommandContext,
  argument: Octets,
  place: GetPlace,
  use: (version: Version) => Promise<void>,
): Promise<void> {
  const { archive, tree } = session;
  if (archive === undefined) throw new VtError('EFAILED', `get --all-versions: "${tree.name}" has no earlier states`);
  const folder = place.local === undefined ? place.localCwd : resolveLocalPath(place.localCwd, place.local);
  if (statSync(pathBytes(folder), { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PathError('ENOTDIR', 'write into local', folder, { remedy: 'lmkdir makes it' });
  const top = pathArgument(session, argument);
  const entries = newestFirst(archive, { signal });
  let count = 0;
  for await (const { archived, path, dirent } of pathHistory(tree.store, entries, top, { signal })) {
    if (dirent === undefined) continue;
    count++;
    const state = await session.stateAt(String(archived.number), signal);
    try {
      const entry = await requireEntry(state.tree, path, 'get', { follow: false, signal });
      const local = `${folder === '/' ? '' : folder}/${top === ROOT_PATH ? 'root' : baseName(top)}${state.view}` as Octets;
      await use({ found: { tree: state.tree, path, entry }, target: { source: path, local, isContents: false } });
    } finally {
      await state.tree[Symbol.asyncDispose]();
    }
  }
  if (count === 0) throw new VtError('EFAILED', `get --all-versions "${octetsToText(argument)}": no recorded state has it`);
}
