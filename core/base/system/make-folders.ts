import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './system-error.ts';

/**
 * Makes a folder and its missing parents. An existing folder is no error.
 *
 * In an existing folder that refuses new ones with ENOENT, such as /proc, `mkdirSync` with `recursive` never returns: Node 20.20 retries
 * for ever, and no signal ends it. This function tries each folder at most twice.
 *
 * @param mode - permissions of new folders, before the umask
 * @returns whether the last one was made
 * @throws what `mkdirSync` throws
 */
export function makeFolders(path: string, mode = 0o777): boolean {
  try {
    return makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
    makeFolders(parent, mode);
    return makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
