import { constants } from 'node:os';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { libc } from '../base/system/libc.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { systemError } from '../base/system/system-error.ts';
import { timespecs } from '../base/timespec.ts';
import type { Meta } from '../dirent/meta.ts';
import { defaultMode } from '../dirent/meta.ts';

/** How owners are restored: by name where it is known here and else by number, by number alone, or not at all. */
export type OwnerPolicy = 'names' | 'numeric' | 'none';

/** Numbers of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What of a node's metadata is to be set, in the terms of system calls. */
export interface Attributes {
  /** 0..0o7777 */
  readonly mode: number;
  /** -1 leaves it. */
  readonly uid: number;
  readonly gid: number;
  /** A struct timespec[2]. */
  readonly times: Uint8Array;
  readonly xattrs: readonly (readonly [name: Octets, value: Uint8Array])[];
  /** Drop ACLs that the directory gave the new node, unless `xattrs` has them. */
  readonly dropsAcl: boolean;
}

/** Attributes that say what may be done, and come from the directory where it has a default. @see acl(5) */
const ACL_XATTRS = ['system.posix_acl_access', 'system.posix_acl_default'] as Octets[];

const SET_ID = 0o6000;
const SETGID = 0o2000;

export interface AttributeOptions {
  readonly owner: OwnerPolicy;
  readonly names: OwnerNames;
  /** Who runs this: effective uid and gid. */
  readonly self: Owner;
}

/** What to set for a node; see {@link Attributes}. */
export function attributesOf(kind: string, meta: Meta, options: AttributeOptions, dropsAcl: boolean): Attributes {
  const { uid, gid } = ownerOf(meta, options);
  return {
    mode: safeMode(kind, meta, options),
    uid,
    gid,
    times: timespecs(meta.mtimeNs, meta.mtimeNs),
    xattrs: meta.xattrs === undefined ? [] : [...meta.xattrs],
    dropsAcl,
  };
}

function ownerOf(meta: Meta, { owner, names }: AttributeOptions): Owner {
  if (owner === 'none') return { uid: -1, gid: -1 };
  const byName = owner === 'names';
  return {
    uid: (byName && meta.user !== undefined ? names.userId(meta.user) : undefined) ?? meta.uid ?? -1,
    gid: (byName && meta.group !== undefined ? names.groupId(meta.group) : undefined) ?? meta.gid ?? -1,
  };
}

/** The mode, without setuid and setgid of a file that would change hands: it would lend out another's rights. */
function safeMode(kind: string, meta: Meta, { owner, self }: AttributeOptions): number {
  const mode = meta.mode ?? defaultMode(kind);
  if (owner !== 'none' || (mode & SET_ID) === 0) return mode;
  if (kind === 'dir') return mode;
  if (meta.uid !== self.uid) return mode & ~SET_ID;
  return meta.gid === self.gid ? mode : mode & ~SETGID;
}

/** Receives what could not be set while the rest was: the attribute and why. */
export type AttributeFailure = (what: string, error: unknown) => void;

/** The same, without an owner that the node has from the start: 20,000 system calls a tree of so many files. */
export function withoutOwner(attributes: Attributes, given: Owner | undefined): Attributes {
  return given === undefined || attributes.uid !== given.uid || attributes.gid !== given.gid
    ? attributes
    : { ...attributes, uid: -1, gid: -1 };
}

/**
 * Sets a node's attributes through its descriptor. The owner comes first, since that clears setuid. Then come the user's
 * extended attributes, which a read-only mode would forbid. The mode follows, and the other attributes, which hold ACLs and
 * capabilities. Last come the times, which the others change.
 */
export function applyToFile(at: AtCalls, fd: number, attributes: Attributes, onFailure: AttributeFailure): void {
  let { mode } = attributes;
  if (attributes.uid !== -1 || attributes.gid !== -1) {
    if (!attempt('owner', onFailure, () => at.fchown(fd, attributes.uid, attributes.gid))) mode &= ~SET_ID;
  }
  const isUsers = ([name]: Attributes['xattrs'][number]): boolean => name.startsWith('user.');
  const { xattrs, dropsAcl } = attributes;
  if (xattrs.length > 0) applyXattrs(fd, { xattrs: xattrs.filter(isUsers), dropsAcl: false }, onFailure);
  attempt('mode', onFailure, () => at.fchmod(fd, mode));
  if (xattrs.length > 0 || dropsAcl) applyXattrs(fd, { xattrs: xattrs.filter((xattr) => !isUsers(xattr)), dropsAcl }, onFailure);
  attempt('times', onFailure, () => at.futimens(fd, attributes.times));
}

/** Bytes of the names of attributes of one file, each with a NUL: XATTR_LIST_MAX in <linux/limits.h>. */
const MAX_NAMES_SIZE = 64 * 1024;

/** Sets extended attributes of an open file, or of a path. Of more than a file can have none are set. */
export function applyXattrs(
  target: number | Uint8Array,
  attributes: Pick<Attributes, 'xattrs' | 'dropsAcl'>,
  onFailure: AttributeFailure,
): void {
  if (attributes.dropsAcl) {
    for (const name of ACL_XATTRS) {
      if (!attributes.xattrs.some(([given]) => given === name)) attempt(name, onFailure, () => libc().removeXattr(target, name));
    }
  }
  // A file that has more names than can be listed is one that no program can copy any more.
  const namesSize = attributes.xattrs.reduce((size, [name]) => size + name.length + 1, 0);
  if (namesSize > MAX_NAMES_SIZE) {
    attempt(`${attributes.xattrs.length} xattrs`, onFailure, () => {
      throw systemError(constants.errno.E2BIG, 'setxattr');
    });
    return;
  }
  for (const [name, value] of attributes.xattrs)
    attempt(`xattr ${octetsToText(name)}`, onFailure, () => libc().setXattr(target, name, value));
}

/** Runs one system call; gives whether it succeeded. */
export function attempt(what: string, onFailure: AttributeFailure, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    onFailure(what, error);
    return false;
  }
}
