import { closeSync, constants, openSync } from 'node:fs';
import type { Octets } from '../octets.ts';
import { cName } from './at-calls.ts';
import { atCalls } from './choose-at-calls.ts';
import { errorCode, pathBytes } from './system-error.ts';

const O_PATH = 0o10000000; // Linux

/** Open directories that are kept at a time. */
const MAX_KEPT = 64;

/** A directory on the way to a path that is none, or cannot be reached: what is there itself is to be looked at. */
export interface NoDirectory {
  readonly notDirectory: Octets;
}

/**
 * Directories below a folder, each opened from the one above it without following a symlink. A user who swaps one for a symlink meanwhile
 * leads nobody out of the folder.
 */
export class Beneath implements Disposable {
  readonly #folder: Octets;
  readonly #open = new Map<Octets, number>();

  /** @param folder - absolute, and no symlink itself */
  constructor(folder: Octets) {
    this.#folder = folder;
  }

  /**
   * A path by which the system reaches an entry of a directory below the folder, symlinks not followed. It holds until this is
   * disposed of, or {@link MAX_KEPT} others were asked for.
   */
  entry(path: Octets): Octets | NoDirectory {
    if (path === this.#folder) return path;
    const at = path.lastIndexOf('/');
    const directory = this.#directory((path.slice(0, at) || '/') as Octets);
    return typeof directory === 'number' ? (`/proc/self/fd/${directory}/${path.slice(at + 1)}` as Octets) : directory;
  }

  #directory(path: Octets): number | NoDirectory {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    let fd: number;
    try {
      if (path === this.#folder) fd = openSync(pathBytes(path), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      else {
        const at = path.lastIndexOf('/');
        const above = this.#directory((path.slice(0, at) || '/') as Octets);
        if (typeof above !== 'number') return above;
        fd = atCalls().open(above, cName(path.slice(at + 1) as Octets), 'dir');
      }
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) throw error;
      return { notDirectory: path };
    }
    this.#keep(path, fd);
    return fd;
  }

  #keep(path: Octets, fd: number): void {
    for (const [oldest, old] of this.#open) {
      if (this.#open.size < MAX_KEPT) break;
      closeSync(old);
      this.#open.delete(oldest);
    }
    this.#open.set(path, fd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}
