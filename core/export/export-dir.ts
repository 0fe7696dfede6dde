import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { PathError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { AtCalls, CName } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { getXattr, libc, listXattrs } from '../base/system/libc.ts';
import { fileType, isSameNode } from '../base/system/node-stat.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { AttributeFailure, Attributes, Owner } from './export-attributes.ts';
import { applyToFile, attempt } from './export-attributes.ts';

const ACL_DEFAULT = 'system.posix_acl_default' as Octets;
const ACL_ACCESS = 'system.posix_acl_access' as Octets;
const OWNER_ALL = 0o700;

/** The name of the parent of an open directory. */
const ABOVE = cName('..' as Octets);

/** Names of attributes that the system or a lower layer manages. They are not removed. */
const FOREIGN_XATTR = /^(?:security\.(?!capability$)|trusted\.overlay\.|system\.(?!posix_acl_))/;

/**
 * A directory that an export writes into. It is open as long as work in it needs that. All calls use its descriptor, so replacing a path
 * element by a symlink cannot redirect them. It gets its own attributes when all work in it and in the directories below is done.
 */
export class ExportDir {
  #fd: number;
  /** Its path relative to the top; empty for the top itself. */
  readonly path: Octets;
  /** This export made it, so it has only entries that the export wrote. */
  readonly isFresh: boolean;
  /** New entries inherit an ACL from it. */
  readonly givesAcl: boolean;
  /** The owner of new entries, if that is certain. */
  readonly givesOwner: Owner | undefined;
  /** The names in it by {@link foldName}, if the filesystem ignores case; else undefined. */
  readonly folded: Set<string> | undefined;
  readonly #parent: ExportDir | undefined;
  readonly #stat: Pick<BigIntStats, 'dev' | 'ino'>;
  readonly #attributes: Attributes | undefined;
  readonly #at: AtCalls;
  readonly #onFailure: AttributeFailure;
  readonly #onClosed: () => void;
  /** The number of users: work in it, incomplete directories in it, and the walk. */
  #holds = 1;
  /** Those of the users that need it open. */
  #uses = 1;

  constructor(
    fd: number,
    options: {
      readonly path: Octets;
      readonly parent: ExportDir | undefined;
      readonly isFresh: boolean;
      readonly attributes: Attributes | undefined;
      readonly foldsCase: boolean;
      readonly at: AtCalls;
      readonly onFailure: AttributeFailure;
      readonly onClosed: () => void;
    },
  ) {
    this.#fd = fd;
    this.#stat = fstatSync(fd, { bigint: true });
    this.path = options.path;
    this.isFresh = options.isFresh;
    this.#parent = options.parent;
    this.#attributes = options.attributes;
    this.#at = options.at;
    this.#onFailure = options.onFailure;
    this.#onClosed = options.onClosed;
    this.folded = options.foldsCase ? new Set() : undefined;
    if (this.#parent !== undefined) this.#parent.#holds++;
    // A directory that this export made has no default ACL if its parent has none.
    this.givesOwner = options.isFresh ? ownerGiven(this.fd) : undefined;
    this.givesAcl = options.isFresh && options.parent?.givesAcl === false ? false : this.#clearInherited();
  }

  /** Its descriptor; -1 while it is closed. */
  get fd(): number {
    return this.#fd;
  }

  get isOpen(): boolean {
    return this.#fd >= 0;
  }

  #clearInherited(): boolean {
    if (getXattr(this.fd, ACL_DEFAULT) === undefined) return false;
    if (!this.isFresh) return true;
    libc().removeXattr(this.fd, ACL_DEFAULT);
    libc().removeXattr(this.fd, ACL_ACCESS);
    return false;
  }

  /** Registers work in this directory. Each call needs one `release`. */
  hold(): void {
    this.#holds++;
    this.#uses++;
  }

  /** Ends one piece of work. The last sets the directory's attributes and closes it. */
  release(): void {
    this.#uses--;
    let done: ExportDir | undefined;
    // A loop, not a recursion: the last work of a deep tree completes all directories above it.
    for (let dir: ExportDir | undefined = this; dir !== undefined; dir = dir.#parent) {
      if (--dir.#holds > 0) {
        dir.#closeIfUnused();
        break;
      }
      dir.#complete(done);
      done?.abandon();
      done = dir;
    }
    done?.abandon();
  }

  /** Called when the walk is far below. The directory is closed once no work needs it open. */
  park(): void {
    this.#uses--;
    this.#closeIfUnused();
  }

  /**
   * Called when the walk comes back to a parked directory. Opens it again.
   *
   * @param child - an open directory in it; undefined if there is none
   * @throws {VtError} EFAILED if `child` has been moved elsewhere, or there is none
   */
  unpark(child: ExportDir | undefined): void {
    this.#uses++;
    this.#openFrom(child);
  }

  /** Closes the directory, without setting its attributes. */
  abandon(): void {
    if (this.isOpen) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Closes it if nobody needs it open. `#openFrom` opens it again from a directory in it. */
  #closeIfUnused(): void {
    if (this.#uses === 0) this.abandon();
  }

  #openFrom(child: ExportDir | undefined): void {
    if (this.isOpen) return;
    const fd = child?.isOpen === true ? this.#at.open(child.#fd, ABOVE, 'dir') : undefined;
    if (fd !== undefined && isSameNode(fstatSync(fd, { bigint: true }), this.#stat)) {
      this.#fd = fd;
      return;
    }
    if (fd !== undefined) closeSync(fd);
    throw new VtError('EFAILED', 'it was moved while it was written');
  }

  /** Sets the attributes. @param child - the directory in it that was completed last, still open */
  #complete(child: ExportDir | undefined): void {
    const attributes = this.#attributes;
    if (attributes !== undefined && attempt('metadata', this.#onFailure, () => this.#openFrom(child))) {
      if (!this.isFresh) this.#dropOtherXattrs(attributes);
      applyToFile(this.#at, this.#fd, attributes, this.#onFailure);
    }
    this.#onClosed();
  }

  #dropOtherXattrs(attributes: Attributes): void {
    attempt('xattrs', this.#onFailure, () => {
      for (const name of listXattrs(this.fd)) {
        if (!FOREIGN_XATTR.test(name) && !attributes.xattrs.some(([wanted]) => wanted === name)) libc().removeXattr(this.fd, name);
      }
    });
  }
}

/**
 * The owner of files that are made in a directory that this process has just made. Their group is that of the process or of the directory,
 * depending on setgid and mount options. Undefined if these or the users differ.
 *
 * @see open(2), O_CREAT
 */
function ownerGiven(fd: number): Owner | undefined {
  const { uid, gid } = fstatSync(fd);
  return uid === process.geteuid?.() && gid === process.getegid?.() ? { uid, gid } : undefined;
}

/**
 * Opens the directory of the target. Symlinks in this path are followed, since the user typed it. @throws {PathError} if it cannot be
 * opened
 */
export function openContainer(path: Octets): number {
  try {
    return openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') throw new PathError(code, 'write into local', path, { cause: error });
    throw error;
  }
}

/**
 * Opens or makes a directory in `parent`. A new one is private until its content is complete.
 *
 * @param mayChangeMode - whether an existing one may get the permissions that writing needs
 * @throws {VtError} EFAILED if the name is not a directory, or a symlink to one
 */
export function openOrMakeDir(
  at: AtCalls,
  parent: number,
  name: CName,
  mayChangeMode: boolean,
): { readonly fd: number; readonly isFresh: boolean } {
  let isFresh = true;
  try {
    at.mkdir(parent, name, OWNER_ALL);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    isFresh = false;
  }
  const fd = openExistingDir(at, parent, name);
  if (!isFresh && mayChangeMode) makeWritable(at, fd);
  return { fd, isFresh };
}

/** Opens a directory without following a symlink. @throws {VtError} EFAILED if the name is a symlink or not a directory */
export function openExistingDir(at: AtCalls, parent: number, name: CName): number {
  try {
    return at.open(parent, name, 'dir');
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ELOOP' && code !== 'ENOTDIR') throw error;
    const seen = at.stat(parent, name);
    const isLink = seen !== undefined && fileType(seen) === constants.S_IFLNK;
    throw new VtError('EFAILED', isLink ? 'write a Dir over a local symlink: not followed' : 'write a Dir over a local file: in the way', {
      cause: error,
    });
  }
}

/** Gives the owner all permissions. Another user's directory is left unchanged; writing into it may fail later. */
function makeWritable(at: AtCalls, fd: number): void {
  const { mode, uid } = fstatSync(fd);
  const self = process.geteuid?.();
  if (self === 0 || uid !== self || (mode & OWNER_ALL) === OWNER_ALL) return;
  at.fchmod(fd, (mode & 0o7777) | OWNER_ALL);
}

/** Opens a directory by its path below the top, element by element, without following symlinks. The caller closes it. */
export function openBelow(at: AtCalls, top: number, path: Octets): number {
  let fd = at.open(top, cName('.' as Octets), 'dir');
  if (path === '') return fd;
  for (const element of path.split('/')) {
    const parent = fd;
    try {
      fd = at.open(parent, cName(element as Octets), 'dir');
    } finally {
      closeSync(parent);
    }
  }
  return fd;
}
