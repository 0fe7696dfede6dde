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
 * A usable mount point; a mount whose server has died is unmounted first.
 *
 * @throws {VtError} EFAILED if the Store is there, or one of our trees is mounted there
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

/** Whether a path, taken as something to open, can be nothing: a path that is not there, or an empty directory that is not mounted. */
export function canOnlyBeMountPoint(path: Octets): boolean {
  try {
    return !isMounted(path) && readdirSync(pathBytes(path)).length === 0;
  } catch (error) {
    return errorCode(error) === 'ENOENT' && !/[{}:@[\]]/.test(path);
  }
}

/** Makes a mount point where there is none. @returns whether it was made. @throws {PathError} ENOTEMPTY */
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

/** Removes a mount point that was made. */
export function removeMountPoint(mountPoint: string): void {
  try {
    rmdirSync(mountPoint);
  } catch {
    // Somebody has put something there meanwhile.
  }
}
