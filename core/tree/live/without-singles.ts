import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import { DirReader } from '../dir-reader.ts';
import { markScopeChanged } from './inode-scope.ts';
import { liveRoot } from './live-state.ts';
import { storeStale } from './live-store.ts';

/**
 * Removes nodes with only one name from the inode table of a stored Dir.
 *
 * New Blocks are added to the Store, not flushed.
 *
 * @param dirent - self-contained; in the Store
 */
export async function withoutSingles(store: Store, dirent: DirDirent, options: OpOptions = {}): Promise<DirDirent> {
  if (dirent.inodes === undefined) return dirent;
  const reader = new DirReader(store);
  const root = liveRoot(dirent);
  const { scope } = root;
  if (scope === undefined) return dirent;
  const nodes = await scope.load(reader, options);
  if (![...nodes.values()].some(({ hard }) => hard.nlink === 1)) return dirent;
  markScopeChanged(scope);
  await storeStale({ store, reader, leftOut: undefined }, root, options);
  return { ...root.dirent, name: dirent.name };
}
