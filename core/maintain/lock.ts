import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { openOrCreateStoreFile, type StoreAccess } from '../base/system/store-files.ts';
import { MAINTENANCE_LOCK } from '../datadir/datadir.ts';

/**
 * Runs an action while no other fsck, scrub, repair or gc runs in a datadir.
 *
 * @param required - fail if the filesystem has no locks
 * @throws {VtError} ELOCKED if another one runs; EUNSUPPORTED if there are no locks and `required` is set
 */
export async function withMaintenanceLock<T>(
  storeFolder: string,
  access: StoreAccess,
  required: boolean,
  action: () => Promise<T>,
): Promise<T> {
  const fd = openOrCreateStoreFile(join(storeFolder, MAINTENANCE_LOCK), access);
  try {
    const lock = tryLock(fd);
    if (lock === 'unsupported' && required) throw new VtError('EUNSUPPORTED', `lock Store "${storeFolder}": this filesystem has no locks`);
    if (lock === 'taken') {
      throw new VtError('ELOCKED', `lock Store "${storeFolder}": another fsck, scrub, repair or gc is running`, {
        remedy: 'wait for its end',
      });
    }
    return await action();
  } finally {
    closeSync(fd);
  }
}
