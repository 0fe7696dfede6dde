import { readdirSync, rmdirSync } from 'node:fs';
import { PathError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText, octetsToText, octetsToTextStrict } from '../../../core/base/octets.ts';
import { makeFolders } from '../../../core/base/system/make-folders.ts';
import { errorCode, pathBytes } from '../../../core/base/system/system-error.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { isMounted } from '../../../fuse/mount-table.ts';
import { isServed, takeStaleAway } from './mount-records.ts';

/**
 * Checks a mount point. A mount there whose server died is unmounted first.
 *
 * @returns the mount point as text
 * @throws {VtError} EFAILED if the Store is inside it or the reverse, or a vtftp tree is mounted there; EUNSUPPORTED for a name that is
 *   not UTF-8
 */
export async function checkedMountPoint(store: Store, mountPoint: Octets): Promise<string> {
  const text = octetsToTextStrict(mountPoint);
  if (text === undefined) throw new VtError('EUNSUPPORTED', `mount "${octetsToText(mountPoint)}": the name of a mount point must be UTF-8`);
  for (const folder of capability(store, 'folders') ?? []) {
    if (folder === text || folder.startsWith(`${text}/`) || text.startsWith(`${folder}/`))
      throw new VtError('EFAILED', `mount "${text}": the Store "${store.name}" is in that directory`, {
        remedy: 'choose another directory',
      });
  }
  if (isMounted(mountPoint)) {
    if (await isServed(mountPoint))
      throw new VtError('EFAILED', `mount "${text}": a vtftp tree is mounted there already`, { remedy: 'umount it first' });
    await takeStaleAway(text);
  }
  return text;
}

/** Whether a path can only be a mount point, not a source: it does not exist, or is an empty directory without a mount. */
export function canOnlyBeMountPoint(path: Octets): boolean {
  try {
    return !isMounted(path) && readdirSync(pathBytes(path)).length === 0;
  } catch (error) {
    return errorCode(error) === 'ENOENT' && !/[{}:@[\]]/.test(path);
  }
}

/**
 * Makes a mount point if it does not exist.
 *
 * @returns whether it was made
 * @throws {PathError} ENOTEMPTY
 */
export function makeMountPoint(mountPoint: string): boolean {
  try {
    if (readdirSync(mountPoint).length > 0) throw new PathError('ENOTEMPTY', 'mount', octetsFromText(mountPoint));
    return false;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  makeFolders(mountPoint);
  return true;
}

/** Removes a mount point that {@link makeMountPoint} made. */
export function removeMountPoint(mountPoint: string): void {
  try {
    rmdirSync(mountPoint);
  } catch {
    // It is no longer empty.
  }
}
