import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Store } from '../../core/store/store.ts';
import type { Tree } from '../../core/tree/tree.ts';

/** Opens an ordinary directory as a tree. Copies between it and Blocks go through the Store. */
export async function openDirectory(path: Octets, store: Store): Promise<Tree> {
  const { openLocalTree } = await import('../../core/tree/local/local-tree.ts');
  return openLocalTree(path, store, {
    async importLocal(from, { signal }) {
      const { importLocal } = await import('../../core/import/import.ts');
      let failure: unknown;
      const { dirent } = await importLocal(store, from, {
        signal,
        onFailure: (_, error) => {
          failure ??= error;
        },
      });
      if (failure !== undefined) throw failure;
      await store.flush({ signal });
      return dirent;
    },
    async exportLocal(dirent, to, { signal }) {
      const { exportDirent } = await import('../../core/export/export.ts');
      let failure: unknown;
      await exportDirent(store, dirent, to, {
        signal,
        onFailure: (failed) => {
          failure ??= failed;
        },
      });
      if (failure !== undefined)
        throw failure instanceof Error
          ? failure
          : new VtError('EFAILED', `bind "${octetsToText(to)}": it could not be completed`, { cause: failure });
    },
  });
}
