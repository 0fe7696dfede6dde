import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller, FileLock, LockChange, LockOperations, Maybe } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { RecordLocks } from './record-locks.ts';

/**
 * Turns of the event loop for which a refusal is delayed. Another mount may have closed a handle, and its release may still be in
 * that mount's own queue. Each turn takes several requests of every mount.
 */
const TURNS_BEFORE_REFUSAL = 3;

/** A caller that waits for a lock. */
interface Waiter {
  readonly handle: number;
  readonly wanted: LockChange;
  /** True: waits without limit. False: is about to be refused. */
  readonly waits: boolean;
  /** Owner of the lock that it waits for. */
  blocker: string;
  /** Ends the wait: with the error, or with the lock set. */
  readonly end: (error?: FilesystemError) => void;
}

/** The locks of one file, and the callers that wait for them: the oldest first. */
interface LockedFile {
  readonly records: RecordLocks;
  /** Locks of flock(2), by handle. */
  readonly wholes: Map<number, 'read' | 'write'>;
  readonly waiters: Set<Waiter>;
}

/** The locks of all files of a live tree, shared by all its mounts, as Linux keeps the locks of one filesystem. */
export class FileLocks implements LockOperations {
  readonly #files = new Map<number, LockedFile>();

  /** How many files have locks. */
  get size(): number {
    return this.#files.size;
  }

  test(ino: number, wanted: LockChange): FileLock | undefined {
    return this.#files.get(ino)?.records.inTheWay(wanted)?.lock;
  }

  set(ino: number, handle: number, wanted: LockChange, waits: boolean, caller: Caller): Maybe<void> {
    const file = this.#file(ino);
    // flock(2) gives up the old lock before it asks for another, and Linux does so in one step.
    const hadOther = wanted.extent === 'whole' && file.wholes.get(handle) !== wanted.type && file.wholes.delete(handle);
    const blocker = blockerOf(file, handle, wanted);
    if (blocker === undefined) {
      apply(file, handle, wanted);
      this.#changed(ino, file);
      return;
    }
    if (hadOther) this.#changed(ino, file);
    const wish = { handle, wanted, waits, blocker };
    if (this.#isDeadlock(wish, blocker)) throw new FilesystemError('EDEADLK');
    return this.#wait(file, wish, caller);
  }

  flush(ino: number, owner: () => string): void {
    const file = this.#files.get(ino);
    if (file !== undefined && !file.records.isEmpty && file.records.drop(owner())) this.#changed(ino, file);
  }

  /** A handle is released. */
  release(ino: number, handle: number): void {
    const file = this.#files.get(ino);
    if (file === undefined) return;
    for (const waiter of [...file.waiters]) if (waiter.handle === handle) waiter.end(new FilesystemError('EINTR'));
    file.wholes.delete(handle);
    file.records.dropHandle(handle);
    this.#changed(ino, file);
  }

  #file(ino: number): LockedFile {
    const file = this.#files.get(ino) ?? { records: new RecordLocks(), wholes: new Map(), waiters: new Set() };
    this.#files.set(ino, file);
    return file;
  }

  #wait({ waiters }: LockedFile, wish: Omit<Waiter, 'end'>, { signal }: Caller): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => waiter.end(new FilesystemError('EINTR'));
      const waiter: Waiter = {
        ...wish,
        end: (error) => {
          waiters.delete(waiter);
          signal.removeEventListener('abort', giveUp);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      waiters.add(waiter);
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
      if (!wish.waits) void refuseLater(waiter);
    });
  }

  /** Whether the blocking owner itself waits, directly or through others, for this owner. As in Linux, flock(2) has no such check. */
  #isDeadlock({ waits, wanted: { owner, extent } }: Omit<Waiter, 'end'>, blocker: string): boolean {
    if (!waits || extent === 'whole') return false;
    const seen = new Set<string>();
    for (let at: string | undefined = blocker; at !== undefined && !seen.has(at); at = this.#blockerOfOwner(at)) {
      if (at === owner) return true;
      seen.add(at);
    }
    return false;
  }

  #blockerOfOwner(owner: string): string | undefined {
    for (const { waiters } of this.#files.values()) {
      for (const { wanted, waits, blocker } of waiters) if (waits && wanted.extent === 'record' && wanted.owner === owner) return blocker;
    }
    return undefined;
  }

  /** Locks of a file were released or changed: grants the waiting locks that nothing blocks any more. */
  #changed(ino: number, file: LockedFile): void {
    for (const waiter of [...file.waiters]) {
      const { handle, wanted } = waiter;
      const blocker = blockerOf(file, handle, wanted);
      if (blocker === undefined) {
        apply(file, handle, wanted);
        waiter.end();
        // The new lock may have replaced a write lock by a read lock, which may unblock others.
        this.#changed(ino, file);
        return;
      }
      if (blocker === waiter.blocker) continue;
      if (this.#isDeadlock(waiter, blocker)) waiter.end(new FilesystemError('EDEADLK'));
      else waiter.blocker = blocker;
    }
    if (file.records.isEmpty && file.wholes.size === 0 && file.waiters.size === 0) this.#files.delete(ino);
  }
}

/** Refuses a lock whose caller does not wait, after the delay. */
async function refuseLater(waiter: Waiter): Promise<void> {
  for (let turn = 0; turn < TURNS_BEFORE_REFUSAL; turn++) await nextTurn();
  waiter.end(new FilesystemError('EAGAIN'));
}

/** The owner of a conflicting lock; for flock(2), its handle. */
function blockerOf({ records, wholes }: LockedFile, handle: number, wanted: LockChange): string | undefined {
  if (wanted.extent === 'record') return records.inTheWay(wanted)?.owner;
  if (wanted.type === 'none') return undefined;
  for (const [other, type] of wholes) if (other !== handle && (type === 'write' || wanted.type === 'write')) return String(other);
  return undefined;
}

function apply({ records, wholes }: LockedFile, handle: number, wanted: LockChange): void {
  if (wanted.extent === 'record') records.set(handle, wanted);
  else if (wanted.type === 'none') wholes.delete(handle);
  else wholes.set(handle, wanted.type);
}
