import { statSync } from 'node:fs';
import type { ImportOptions } from '../../../core/import/import-options.ts';

/** Gives the folders of a Store on disk, which are no part of what is put into it. They may be made only by this very put. */
export function storeFolderTest(folders: readonly string[]): NonNullable<ImportOptions['isStoreFolder']> {
  const found = new Map<string, { readonly dev: bigint; readonly ino: bigint }>();
  return ({ dev, ino }) =>
    folders.some((folder) => {
      const known = found.get(folder) ?? statSync(folder, { bigint: true, throwIfNoEntry: false });
      if (known !== undefined) found.set(folder, known);
      return known?.ino === ino && known.dev === dev;
    });
}
