import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import { Reach } from './reach.ts';

/** Whether a Store has all Dirs, tables of hard links and superblocks of a tree, undamaged. Contents are not checked. */
export async function isReadable(store: Pick<Store, 'get' | 'name' | 'hashName'>, root: Dirent, options: OpOptions = {}): Promise<boolean> {
  let isWhole = true;
  const reach = new Reach(store, {
    leaf: () => undefined,
    inner: () => undefined,
    harm: () => {
      isWhole = false;
    },
    signal: options.signal,
  });
  await reach.walk(root);
  return isWhole;
}
