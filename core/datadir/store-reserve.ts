import { closeSync, lstatSync, readdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isFullError } from '../base/system/full-error.ts';
import { createStoreFile, makeStoreFolder, type StoreAccess } from '../base/system/store-files.ts';

// A little room that a Store keeps for the time when its disk is full: what frees space, and what records that something was removed, needs some.

/** The folder of the reserve, in a datadir. */
export const RESERVE_FOLDER = 'reserve';
/** What a reserve is for: the changes of a session, and gc. */
export type ReserveUse = 'change' | 'gc';

/** Bytes set aside for each. */
export const RESERVE_SIZES: Readonly<Record<ReserveUse, number>> = { change: 256 * 1024, gc: 1024 * 1024 };
/** Less than this much room on a disk, and no reserve is made. */
const MIN_ROOM = 16 * 1024 * 1024;

/** The reserve of a datadir. */
export class StoreReserve {
  readonly #folder: string;
  readonly #access: StoreAccess;

  constructor(storeFolder: string, access: StoreAccess) {
    this.#folder = join(storeFolder, RESERVE_FOLDER);
    this.#access = access;
  }

  /** Sets aside what is not. Where there is no room that is left for another time. */
  fill(): void {
    try {
      const { bavail, bsize } = statfsSync(join(this.#folder, '..'));
      if (bavail * bsize < MIN_ROOM) return;
      makeStoreFolder(this.#folder, this.#access);
      for (const [use, size] of Object.entries(RESERVE_SIZES)) this.#make(join(this.#folder, use), size);
    } catch {
      // No room, or a filesystem that is read-only by now.
    }
  }

  #make(path: string, size: number): void {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    const fd = createStoreFile(path, this.#access);
    try {
      // Bytes that no filesystem keeps as a hole, or makes small.
      const noise = Buffer.alloc(64 * 1024);
      let state = 1;
      for (let i = 0; i < noise.length; i += 4) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        noise.writeUInt32LE(state, i);
      }
      for (let at = 0; at < size; ) at += writeSync(fd, noise, 0, Math.min(noise.length, size - at));
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Gives up what is set aside for a use. @returns whether there was some */
  release(use: ReserveUse): boolean {
    try {
      if (!readdirSync(this.#folder).includes(use)) return false;
      rmSync(join(this.#folder, use));
      return true;
    } catch {
      return false;
    }
  }

  /** Runs an action that changes little, and once more with the reserve given up where the disk is full. */
  use<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!isFullError(error) || !this.release('change')) throw error;
      return action();
    }
  }

  /** As {@link use}, of an action that waits. */
  async useLater<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!isFullError(error) || !this.release('change')) throw error;
      return await action();
    }
  }
}
