import { chmodSync, closeSync, fchmodSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolders } from '../core/base/system/make-folders.ts';

/** Lines kept, in the file too. */
export const HISTORY_SIZE = 5000;

/**
 * Creates the history file, readable only by its owner (mode 0600), in a private folder.
 *
 * @returns the path; undefined if it cannot be written, and lines are kept for this session only
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
