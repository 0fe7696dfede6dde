import { closeSync, constants, openSync } from 'node:fs';
import type { Octets } from '../octets.ts';
import { cName } from './at-calls.ts';
import { atCalls } from './choose-at-calls.ts';
import { errorCode, pathBytes } from './system-error.ts';

const O_PATH = 0o10000000; // Linux

/** Maximum number of directories kept open. */
const MAX_KEPT = 64;

/** An element of a path that is missing or not a directory. The caller should examine that element itself. */
export interface NoDirectory {
  readonly notDirectory: Octets;
}

/**
 * Opens directories below a folder, each from its parent and without following symlinks. So a user who replaces one by a symlink meanwhile
 * cannot redirect us out of the folder.
 */
export class Beneath implements Disposable {
  readonly #folder: Octets;
  readonly #open = new Map<Octets, number>();

  /** @param folder - absolute, and no symlink itself */
  constructor(folder: Octets) {
    this.#folder = folder;
  }

  /**
   * Returns a path under /proc/self/fd to an entry below the folder; no directory on the way is a symlink. The path is valid until this
   * object is disposed of, or {@link MAX_KEPT} other directories have been opened.
   *
   * @throws SystemError for failures other than ENOENT, ENOTDIR and ELOOP
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
