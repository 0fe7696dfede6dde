import { statSync } from 'node:fs';
import { isSameNode } from '../core/base/system/node-stat.ts';

/** Linux's name for the working directory of a process, whatever its path. */
const OWN_DIRECTORY = '/proc/self/cwd';

/**
 * The local working directory. If its path is too long for getcwd(2), another name that leads there; if it was removed, its former
 * path.
 *
 * @param remembered - `PWD` of the calling shell, which may be stale
 */
export function workingDirectory(remembered: string | undefined): string {
  try {
    return process.cwd();
  } catch {
    const own = statSync('.', { bigint: true, throwIfNoEntry: false });
    const found = remembered === undefined ? undefined : statSync(remembered, { bigint: true, throwIfNoEntry: false });
    const isKnown = found === undefined ? own?.nlink === 0n : own !== undefined && isSameNode(own, found);
    return remembered !== undefined && isKnown ? remembered : OWN_DIRECTORY;
  }
}
