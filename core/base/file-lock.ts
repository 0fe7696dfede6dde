import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfCancelled } from './errors.ts';
import { flock } from './libc.ts';

/** Between two tries for a lock that another process holds, in milliseconds. */
const RETRY_MS = 20;

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

/**
 * Runs `action` while holding the exclusive lock of a file, which is made where it is not there. Waits without
 * stopping the thread. Where there are no locks at all the action runs without.
 *
 * @throws {VtError} ECANCELLED if the signal fires while waiting
 */
export async function withFileLock<T>(path: string, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const fd = openSync(path, 'a');
  try {
    while (!lockOrUnsupported(fd)) {
      throwIfCancelled(signal);
      await delay(RETRY_MS);
    }
    return await action();
  } finally {
    closeSync(fd);
  }
}

function lockOrUnsupported(fd: number): boolean {
  try {
    return flock(fd, 'exclusive', true);
  } catch {
    return true;
  }
}
