import { octetsToText } from '../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../core/block/block.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { Store } from '../../core/store/store.ts';
import { mergeTrees } from '../../core/tree/merge/merge-trees.ts';

/**
 * Merges the root of this session with one that another session recorded meanwhile. Conflicts are reported as warnings. The result is
 * durable.
 *
 * @param base - the common start of both; undefined for an empty Dir
 */
export async function mergeRoots(
  store: Store,
  base: DirDirent | undefined,
  ours: DirDirent,
  theirs: DirDirent,
  options: { readonly warn: (message: string) => void; readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<DirDirent> {
  const start: DirDirent = base ?? { kind: 'dir', name: ours.name, meta: {}, block: EMPTY_BLOCK };
  const { dirent, conflicts } = await mergeTrees(store, start, ours, theirs, { now: options.now, signal: options.signal });
  await store.flush({ signal: options.signal });
  for (const { path, kind, theirsAt, clashes = [] } of conflicts) {
    const shown = octetsToText(path);
    if (kind === 'both-changed')
      options.warn(
        `merge "${shown}": another session changed it too; its state is ${theirsAt === undefined ? 'merged' : `kept as "${octetsToText(theirsAt)}"`}`,
      );
    else if (kind === 'metadata')
      options.warn(`merge "${shown}": another session changed its ${clashes.map(({ field }) => field).join(', ')} too; both are merged`);
    else if (kind === 'both-renamed')
      options.warn(
        `merge "${shown}": another session renamed it to "${octetsToText(theirsAt ?? path)}"; it keeps the name that it has here`,
      );
    else if (kind === 'removed-by-us') options.warn(`merge "${shown}": removed here, but another session changed it; it is kept`);
    else options.warn(`merge "${shown}": another session removed it, but it was changed here; it is kept`);
  }
  return dirent;
}
