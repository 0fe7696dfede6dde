import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './system-error.ts';

/**
 * Makes a folder and those above it; one that is there is no error.
 *
 * `mkdirSync` with `recursive` never returns where an existing folder answers ENOENT to the making of another, as those of /proc
 * do. Node 20.20 tries for ever, and no signal ends it. Here each folder is tried twice at most.
 *
 * @param mode - permissions of those that are made, before the umask
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
