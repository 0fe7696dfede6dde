import { chmodSync, closeSync, fchmodSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from '../core/base/system/make-folders.ts';

/** Lines kept, in the file too. */
export const HISTORY_SIZE = 5000;

/**
 * Makes the history file, for its owner's eyes alone (0600), in a folder that is too.
 *
 * @returns the path, or undefined where it cannot be written: then lines are remembered for this session only
 */
export function prepareHistoryFile(path: string): string | undefined {
  try {
    const folder = dirname(path);
    if (makeFolders(folder, 0o700)) chmodSync(folder, 0o700);
    const fd = openSync(path, 'a', 0o600);
    fchmodSync(fd, 0o600);
    closeSync(fd);
    return path;
  } catch {
    return undefined;
  }
}
