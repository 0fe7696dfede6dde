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

/** From an open directory to the one that it is in. */
const ABOVE = cName('..' as Octets);

/** Attribute names that belong to the system or to a layer below, which a tree does not decide about. */
const FOREIGN_XATTR = /^(?:security\.(?!capability$)|trusted\.overlay\.|system\.(?!posix_acl_))/;

/**
 * A directory that an export writes into, open for as long as work on it is in progress. All is done through its descriptor, so
 * that a path element that becomes a symlink leads nowhere else. It gets its own attributes when the last work on it and on the
 * Dirs below is done.
 */
export class ExportDir {
  #fd: number;
  /** Relative to the top; empty for the top itself. */
  readonly path: Octets;
  /** Made by this export: nothing can be in it but what the export wrote. */
  readonly isFresh: boolean;
  /** What is made in it gets an ACL from it. */
  readonly givesAcl: boolean;
  /** Whose what is made in it is, where that is certain. */
  readonly givesOwner: Owner | undefined;
  /** Names in it without regard to case, where the filesystem has none. */
  readonly folded: Set<string> | undefined;
  readonly #parent: ExportDir | undefined;
  readonly #stat: Pick<BigIntStats, 'dev' | 'ino'>;
  readonly #attributes: Attributes | undefined;
  readonly #at: AtCalls;
  readonly #onFailure: AttributeFailure;
  readonly #onClosed: () => void;
  /** Work on it, directories in it, and the walk. */
  #holds = 1;
  /** Of these, those that need it open. */
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
    // A directory that this export made in one without a default ACL has none.
    this.givesOwner = options.isFresh ? ownerGiven(this.fd) : undefined;
    this.givesAcl = options.isFresh && options.parent?.givesAcl === false ? false : this.#clearInherited();
  }

  /** Its descriptor; -1 where it is closed. */
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

  /** Work on this directory begins; `release` ends it. */
  hold(): void {
    this.#holds++;
    this.#uses++;
  }

  /** Ends one piece of work; the last sets the directory's attributes and closes it. */
  release(): void {
    this.#uses--;
    let done: ExportDir | undefined;
    // By a loop: the last work of a deep tree completes all above it.
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

  /** The walk is far below: the directory is closed once no work needs it open. */
  park(): void {
    this.#uses--;
    this.#closeIfUnused();
  }

  /**
   * The walk comes back to a parked directory.
   *
   * @param child - a directory in it, open; undefined where there is none any more
   * @throws {VtError} EFAILED where that has been moved elsewhere
   */
  unpark(child: ExportDir | undefined): void {
    this.#uses++;
    this.#openFrom(child);
  }

  /** Closes the directory as it is: the export was given up, or it cannot be reached any more. */
  abandon(): void {
    if (this.isOpen) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** What waits for directories in it alone is opened again from one of these. */
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

  /** @param child - the directory in it that was completed last, open */
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
 * Who owns files that are made in a directory which this process has just made. The user is that of the directory. The group is
 * the process's or the directory's, by setgid and the mount's options; undefined where these differ.
 *
 * @see open(2), O_CREAT
 */
function ownerGiven(fd: number): Owner | undefined {
  const { uid, gid } = fstatSync(fd);
  return uid === process.geteuid?.() && gid === process.getegid?.() ? { uid, gid } : undefined;
}

/** Opens the directory that the target is in, as the user names it: symlinks in that path are the user's own. */
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
 * Opens a directory in `parent`, or makes it, private until its content is complete.
 *
 * @param mayChangeMode - of one that is there: it gets the mode that writing needs
 * @throws {VtError} EFAILED if something else is there; a symlink to a directory is something else
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

/** Opens a directory without following a symlink. @throws {VtError} EFAILED naming what is there instead */
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

/** Another's directory stays as it is; what that forbids fails later, by name. */
function makeWritable(at: AtCalls, fd: number): void {
  const { mode, uid } = fstatSync(fd);
  const self = process.geteuid?.();
  if (self === 0 || uid !== self || (mode & OWNER_ALL) === OWNER_ALL) return;
  at.fchmod(fd, (mode & 0o7777) | OWNER_ALL);
}

/** Opens a directory by its path below the top, element by element, following nothing. The caller closes it. */
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
