import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { constants as system } from 'node:os';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import type { FoundXattrs } from '../base/system/find-xattrs.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import { isSameNode } from '../base/system/node-stat.ts';
import { pathBytes, systemError } from '../base/system/system-error.ts';
import type { OpenDirs } from './open-dirs.ts';

const LINUX = process.platform === 'linux';
const O_PATH = 0o10000000; // Linux

/** The name of the parent of an open directory. */
const ABOVE = cName('..' as Octets);

/**
 * A directory that is being imported. Its entries are accessed through its descriptor, without following symlinks. So a user who replaces
 * it, or one above it, by a symlink cannot redirect us. It is open as long as somebody holds it.
 *
 * On systems without /proc/self/fd, entries are accessed by path, because Node offers nothing else.
 */
export class LocalDir {
  readonly name: Octets;
  readonly parent: LocalDir | undefined;
  /** Its identity when it was opened. */
  readonly stat: Pick<BigIntStats, 'dev' | 'ino'>;
  readonly #path: Octets | undefined;
  readonly #dirs: OpenDirs;
  readonly #at: AtCalls;
  #fd: number;
  #holds = 1;

  private constructor(fd: number, stat: Pick<BigIntStats, 'dev' | 'ino'>, dirs: OpenDirs, place: Place) {
    this.#fd = fd;
    this.stat = stat;
    this.#dirs = dirs;
    this.#at = atCalls();
    this.name = place.name;
    this.parent = place.parent;
    this.#path = place.path;
    dirs.opened();
  }

  /** Opens the parent directory of the top. Symlinks in its path are followed, since the user typed it. It need not be readable. */
  static container(path: Octets, dirs: OpenDirs): LocalDir {
    const fd = openSync(pathBytes(path), (LINUX ? O_PATH : constants.O_RDONLY) | constants.O_DIRECTORY);
    return LocalDir.#made(fd, dirs, { name: '' as Octets, parent: undefined, path }).dir;
  }

  /**
   * Opens a directory in this one.
   *
   * @param path - the path for messages, if it is not the path of `name` in this directory
   * @returns the directory, held once, and its status, since it may have been replaced meanwhile
   * @throws a SystemError; ENOTDIR or ELOOP if it is not a directory
   */
  open(name: Octets, path?: Octets): { readonly dir: LocalDir; readonly stat: NodeStat } {
    const fd = LINUX
      ? this.#at.open(this.#fd, cName(name), 'dir')
      : openSync(this.entry(name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return LocalDir.#made(fd, this.#dirs, { name, parent: this, path });
  }

  static #made(fd: number, dirs: OpenDirs, place: Place): { readonly dir: LocalDir; readonly stat: NodeStat } {
    try {
      const stat = fstatSync(fd, { bigint: true });
      return { dir: new LocalDir(fd, { dev: stat.dev, ino: stat.ino }, dirs, place), stat };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** The descriptor, valid as long as the directory is held. */
  get fd(): number {
    return this.#fd;
  }

  /** Its path, made from the names of its parents. A loop, not a recursion: there can be 100,000. */
  get path(): Octets {
    const names: string[] = [];
    let at: LocalDir = this;
    for (; at.#path === undefined && at.parent !== undefined; at = at.parent) names.push(at.name);
    if (names.length === 0) return at.#path ?? ('' as Octets);
    return `${at.#path === '/' ? '' : at.#path}/${names.reverse().join('/')}` as Octets;
  }

  /** The path of a name in this directory, for messages only. */
  pathOf(name: Octets): Octets {
    const { path } = this;
    return (path === '/' ? `/${name}` : `${path}/${name}`) as Octets;
  }

  /** The names in it, sorted. */
  names(): string[] {
    return readdirSync(LINUX ? `/proc/self/fd/${this.#fd}` : pathBytes(this.path), 'latin1').sort();
  }

  /** The status of an entry. @throws a SystemError, also ENOENT */
  lstat(name: Octets): NodeStat {
    if (!LINUX) return lstatSync(this.entry(name), { bigint: true });
    const element = cName(name);
    const stat = this.#at.stat(this.#fd, element);
    if (stat === undefined) throw systemError(system.errno.ENOENT, 'lstat', element.subarray(0, -1));
    return stat;
  }

  readlink(name: Octets): Octets {
    return octetsFromBytes(LINUX ? this.#at.readlink(this.#fd, cName(name)) : readlinkSync(this.entry(name), 'buffer'));
  }

  /** The extended attributes of an entry. A symlink is not followed. */
  xattrsOf(name: Octets): FoundXattrs {
    return findXattrs(this.entry(name));
  }

  /** The extended attributes of this directory. */
  xattrs(): FoundXattrs {
    return findXattrs(this.#fd);
  }

  /** A path to an entry, for calls without a directory parameter. */
  private entry(name: Octets): Buffer {
    return pathBytes(LINUX ? (`/proc/self/fd/${this.#fd}/${name}` as Octets) : this.pathOf(name));
  }

  /** Keeps the directory open. Each call needs one `release`. */
  hold(): void {
    this.#holds++;
  }

  /** Ends one hold. The last closes the directory. */
  release(): void {
    if (--this.#holds > 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
    this.#dirs.closed();
  }

  /**
   * Holds the directory, and opens it again if it was closed.
   *
   * @param child - a directory in it, held
   * @throws {VtError} EFAILED if the child has been moved elsewhere
   */
  reopenFrom(child: LocalDir): void {
    if (this.#holds > 0) {
      this.hold();
      return;
    }
    if (child.#holds === 0) throw moved();
    const fd = LINUX ? this.#at.open(child.#fd, ABOVE, 'dir') : openSync(pathBytes(this.path), constants.O_RDONLY | constants.O_DIRECTORY);
    if (!isSameNode(fstatSync(fd, { bigint: true }), this.stat)) {
      closeSync(fd);
      throw moved();
    }
    this.#fd = fd;
    this.#holds = 1;
    this.#dirs.opened();
  }
}

function moved(): VtError {
  return new VtError('EFAILED', 'moved while it was read');
}

/** The place of a directory. */
interface Place {
  readonly name: Octets;
  readonly parent: LocalDir | undefined;
  readonly path: Octets | undefined;
}
