import { flock } from './libc.ts';

/**
 * Whether nobody has the exclusive lock of an open file; true also where this machine or filesystem has no locks. Until the file is
 * closed nobody can have it then.
 */
export function isUnlocked(fd: number): boolean {
  try {
    // Others that look at it are not in the way.
    return flock(fd, 'shared', true);
  } catch {
    return true;
  }
}

/**
 * Takes the exclusive lock of an open file (flock(2)), if it is free. It goes with the descriptor: closing it, or the
 * process's death, gives it up.
 *
 * @returns whether it is held; false also where this machine or filesystem has no locks
 */
export function tryLock(fd: number): boolean {
  try {
    return flock(fd, 'exclusive', true);
  } catch {
    return false;
  }
}
