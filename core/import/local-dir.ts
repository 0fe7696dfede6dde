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

/** From an open directory to the one that it is in. */
const ABOVE = cName('..' as Octets);

/**
 * A directory while it is imported. All in it is reached from its descriptor without following a symlink: a user who swaps it, or one above it,
 * for a symlink meanwhile leads nowhere else. It is open as long as somebody holds it.
 *
 * On systems without /proc/self/fd names are looked up by path, as Node has no other way there.
 */
export class LocalDir {
  readonly name: Octets;
  readonly parent: LocalDir | undefined;
  /** As it was when it was opened. */
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

  /** The directory that a path is in, as its user names it: symlinks on the way there are the user's own. It need not be readable. */
  static container(path: Octets, dirs: OpenDirs): LocalDir {
    const fd = openSync(pathBytes(path), (LINUX ? O_PATH : constants.O_RDONLY) | constants.O_DIRECTORY);
    return LocalDir.#made(fd, dirs, { name: '' as Octets, parent: undefined, path }).dir;
  }

  /**
   * Opens a directory in this one.
   *
   * @param path - by what name it is reported, where that is not the one that it has in here
   * @returns it, held once, and what it is: somebody may have put another in the place of the one seen before
   * @throws a SystemError; ENOTDIR or ELOOP where it is no directory
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

  /** For calls from this directory on, as long as it is held. */
  get fd(): number {
    return this.#fd;
  }

  /** Made from the names of those above, by a loop: there can be 100,000 of them. */
  get path(): Octets {
    const names: string[] = [];
    let at: LocalDir = this;
    for (; at.#path === undefined && at.parent !== undefined; at = at.parent) names.push(at.name);
    if (names.length === 0) return at.#path ?? ('' as Octets);
    return `${at.#path === '/' ? '' : at.#path}/${names.reverse().join('/')}` as Octets;
  }

  /** The path of a name in here, to report it; not to open it. */
  pathOf(name: Octets): Octets {
    const { path } = this;
    return (path === '/' ? `/${name}` : `${path}/${name}`) as Octets;
  }

  /** The names in it, in order. */
  names(): string[] {
    return readdirSync(LINUX ? `/proc/self/fd/${this.#fd}` : pathBytes(this.path), 'latin1').sort();
  }

  /** @throws a SystemError, ENOENT among them */
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

  /** The extended attributes of a node that is not opened. */
  xattrsOf(name: Octets): FoundXattrs {
    return findXattrs(this.entry(name));
  }

  /** Its own extended attributes. */
  xattrs(): FoundXattrs {
    return findXattrs(this.#fd);
  }

  /** A path by which the system reaches a name in here, for calls that take no directory. */
  private entry(name: Octets): Buffer {
    return pathBytes(LINUX ? (`/proc/self/fd/${this.#fd}/${name}` as Octets) : this.pathOf(name));
  }

  /** Work in this directory begins; `release` ends it. */
  hold(): void {
    this.#holds++;
  }

  /** Ends one piece of work; after the last it is closed. */
  release(): void {
    if (--this.#holds > 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
    this.#dirs.closed();
  }

  /**
   * Holds a directory that may have been closed meanwhile.
   *
   * @param child - one in it, held
   * @throws {VtError} EFAILED where the child has been moved elsewhere
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

/** Where a directory is. */
interface Place {
  readonly name: Octets;
  readonly parent: LocalDir | undefined;
  readonly path: Octets | undefined;
}
