import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { createStoreFile, makeStoreFolder, openStoreFile, type StoreAccess } from '../base/system/store-files.ts';

// Which sessions use a datadir. Each session that counts on Blocks which no archive holds yet keeps a locked file in `writers/`.
// The file has the Store's generation at the time, so that gc can say what the session may have seen. A lock that can be had is
// that of a dead session. @see vt(5), "Datadirs"

/** The folder of the writers' files, in a datadir. */
export const WRITERS_FOLDER = 'writers';
/** Tries to make a file that nobody else takes for a dead session's. */
const MAX_TRIES = 20;

/** A session's place among the writers of a datadir: taken once, given up at its end or with its death. */
export class WriterPresence {
  readonly #folder: string;
  readonly #access: StoreAccess;
  readonly #generation: () => number;
  #held: { readonly fd: number; readonly path: string } | undefined;

  /**
   * @param storeFolder - the datadir
   * @param access - the modes of what is made
   * @param generation - reads the Store's generation
   */
  constructor(storeFolder: string, access: StoreAccess, generation: () => number) {
    this.#access = access;
    this.#folder = join(storeFolder, WRITERS_FOLDER);
    this.#generation = generation;
  }

  /** The file's name, once there is one. */
  get name(): string | undefined {
    return this.#held?.path.slice(this.#folder.length + 1);
  }

  /**
   * Takes the place, unless it is held already. What the index says has to be looked up afterwards.
   *
   * @returns whether it was taken by this call
   * @throws the system's error where the file cannot be made
   */
  enter(): boolean {
    if (this.#held !== undefined) return false;
    makeStoreFolder(this.#folder, this.#access);
    for (let tries = 1; ; tries++) {
      const path = join(this.#folder, randomUUID());
      const fd = createStoreFile(path, this.#access);
      const isOurs = tryLock(fd) === 'held' && isStill(path, fd);
      // Where there are no locks gc does not run.
      if (isOurs || tries === MAX_TRIES) {
        this.#held = { fd, path };
        try {
          writeSync(fd, `${this.#generation()}\n`);
        } catch (error) {
          this.leave();
          throw error;
        }
        return true;
      }
      closeSync(fd);
    }
  }

  /** Gives it up. */
  leave(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    try {
      unlinkSync(held.path);
    } catch {
      // Removed by hand, or the folder is read-only by now: the lock goes all the same.
    }
    closeSync(held.fd);
  }
}

function isStill(path: string, fd: number): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

/** A session at work. */
export interface LiveWriter {
  readonly name: string;
  /** The Store's generation when it began; -1 where it has not said yet. */
  readonly generation: number;
}

/**
 * The sessions at work in a datadir. Files that dead ones left are removed.
 *
 * @param except - the name of one's own
 */
export function liveWriters(storeFolder: string, except?: string): LiveWriter[] {
  const folder = join(storeFolder, WRITERS_FOLDER);
  const live: LiveWriter[] = [];
  for (const name of namesIn(folder)) {
    if (name === except) continue;
    const path = join(folder, name);
    let fd: number;
    try {
      fd = openStoreFile(path, 'read');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue; // it has just ended
      if (error instanceof VtError) continue; // what is no file is no session's
      throw error;
    }
    try {
      if (tryLock(fd) === 'held') unlinkSync(path);
      else live.push({ name, generation: generationIn(fd) });
    } finally {
      closeSync(fd);
    }
  }
  return live;
}

function generationIn(fd: number): number {
  const text = readFileSync(fd, 'latin1');
  return /^[0-9]{1,16}\n$/.test(text) ? Number(text) : -1;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
