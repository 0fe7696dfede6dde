import { flock } from './libc.ts';

/** How an attempt to lock ended: it is ours, another open file has it, or this machine or filesystem has no locks. */
export type LockOutcome = 'held' | 'taken' | 'unsupported';

/**
 * Takes the exclusive lock of an open file (flock(2)), if it is free. It goes with the descriptor: closing it, or the
 * process's death, gives it up.
 */
export function tryLock(fd: number): LockOutcome {
  return attempt(fd, 'exclusive', true);
}

/** Waits for the exclusive lock of an open file. Blocks the thread. */
export function waitForLock(fd: number): Exclude<LockOutcome, 'taken'> {
  return attempt(fd, 'exclusive', false) === 'held' ? 'held' : 'unsupported';
}

/** Releases a lock that is held, and keeps the file open. */
export function unlock(fd: number): void {
  flock(fd, 'unlock', false);
}

/**
 * Whether nobody has the exclusive lock of an open file; true also where this machine or filesystem has no locks. Until the file is
 * closed nobody can have it then.
 */
export function isUnlocked(fd: number): boolean {
  // Others that look at it are not in the way.
  return attempt(fd, 'shared', true) !== 'taken';
}

function attempt(fd: number, kind: 'exclusive' | 'shared', nonBlocking: boolean): LockOutcome {
  try {
    return flock(fd, kind, nonBlocking) ? 'held' : 'taken';
  } catch {
    return 'unsupported';
  }
}
