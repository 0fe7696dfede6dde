import type { ArchiveEntry } from '../archive/archive.ts';
import type { OpOptions } from '../base/op-options.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from './live/live-tree.ts';
import type { TreeEntry, TreePath } from './tree.ts';

/** A path as one recorded root has it. */
export interface PathState {
  readonly archived: ArchiveEntry;
  /** Undefined where the path does not exist in that root. */
  readonly entry: TreeEntry | undefined;
}

/**
 * The states of a path in recorded roots, newest first: of equal neighbours only the oldest, which is when it became
 * so. Whatever keeps a root from being read is thrown when its turn comes.
 *
 * @param entries - oldest first
 */
export async function* pathHistory(
  store: Store,
  entries: readonly ArchiveEntry[],
  path: TreePath,
  options: OpOptions = {},
): AsyncGenerator<PathState, void, undefined> {
  let newer: PathState | undefined;
  let newerText: string | undefined;
  for (const archived of entries.toReversed()) {
    if (archived.dirent.kind !== 'dir') continue;
    await using tree = openLiveTree(store, archived.dirent, { name: `@${archived.number}` });
    const entry = await tree.lookup(path, { follow: false, ...options });
    const text = entry === undefined ? undefined : formatDirent(entry.dirent);
    if (newer !== undefined && text !== newerText) yield newer;
    newer = { archived, entry };
    newerText = text;
  }
  // A path that was not there at first is no state.
  if (newer?.entry !== undefined) yield newer;
}
