import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

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
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700);
    const fd = openSync(path, 'a', 0o600);
    fchmodSync(fd, 0o600);
    closeSync(fd);
    return path;
  } catch {
    return undefined;
  }
}
