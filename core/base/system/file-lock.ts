import { flock } from './libc.ts';

/** The outcome of an attempt to lock: we hold the lock, another open file does, or this machine or filesystem has no locks. */
export type LockOutcome = 'held' | 'taken' | 'unsupported';

/**
 * Takes the exclusive lock of an open file (flock(2)), if it is free. The lock ends when the descriptor is closed, also by the death of
 * the process.
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
 * Whether nobody else holds the exclusive lock of an open file; true also if this machine or filesystem has no locks. If true, nobody
 * else can get the exclusive lock until the file is closed, because this takes a shared one.
 */
export function isUnlocked(fd: number): boolean {
  // A shared lock, so that several processes can check at once.
  return attempt(fd, 'shared', true) !== 'taken';
}

function attempt(fd: number, kind: 'exclusive' | 'shared', nonBlocking: boolean): LockOutcome {
  try {
    return flock(fd, kind, nonBlocking) ? 'held' : 'taken';
  } catch {
    return 'unsupported';
  }
}
