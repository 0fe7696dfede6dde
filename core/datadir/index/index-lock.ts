import { closeSync } from 'node:fs';
import { unlock, waitForLock } from '../../base/system/file-lock.ts';
import { openOrCreateStoreFile, type StoreAccess } from '../../base/system/store-files.ts';

/** The lock of an index: a file beside its folder, so that it outlives an index that is removed. One process at a time changes an index. */
export class IndexLock {
  readonly #path: string;
  readonly #access: StoreAccess;
  #fd = -1;

  constructor(folder: string, access: StoreAccess) {
    this.#path = `${folder}.lock`;
    this.#access = access;
  }

  /**
   * Runs an action while holding the lock. A process holds it for milliseconds, or dies with it. Where there are no locks
   * the action runs without: the last of two heads counts, and what the other said is found in the data files.
   */
  hold<T>(action: () => T): T {
    if (this.#fd < 0) this.#fd = openOrCreateStoreFile(this.#path, this.#access);
    const lock = waitForLock(this.#fd);
    try {
      return action();
    } finally {
      if (lock === 'held') unlock(this.#fd);
    }
  }

  /** Closes its file. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
