import { statSync } from 'node:fs';
import { isSameNode } from '../core/base/system/node-stat.ts';

/** What Linux calls the working directory of a process, whatever its path is. */
const OWN_DIRECTORY = '/proc/self/cwd';

/**
 * The local working directory. Where its path is longer than the system tells, a name of it that is as good; where it has been removed
 * meanwhile, the path that it had.
 *
 * @param remembered - what the shell around calls it: `PWD`. It may be that of another process
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
