import { statSync } from 'node:fs';
import type { ImportOptions } from '../../../core/import/import-options.ts';

/**
 * Makes a test for the folders of a Store, which an import must leave out. They are looked up late, since the import itself may create
 * them.
 */
export function storeFolderTest(folders: readonly string[]): NonNullable<ImportOptions['isStoreFolder']> {
  const found = new Map<string, { readonly dev: bigint; readonly ino: bigint }>();
  return ({ dev, ino }) =>
    folders.some((folder) => {
      const known = found.get(folder) ?? statSync(folder, { bigint: true, throwIfNoEntry: false });
      if (known !== undefined) found.set(folder, known);
      return known?.ino === ino && known.dev === dev;
    });
}
