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

/** How owners are restored: by name (by number if the name is unknown here), by number only, or not at all. */
export type OwnerPolicy = 'names' | 'numeric' | 'none';

/** The numbers of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The metadata to set for a node, in the form of system calls. */
export interface Attributes {
  /** 0..0o7777 */
  readonly mode: number;
  /** -1 leaves it unchanged. */
  readonly uid: number;
  readonly gid: number;
  /** A struct timespec[2]. */
  readonly times: Uint8Array;
  readonly xattrs: readonly (readonly [name: Octets, value: Uint8Array])[];
  /** Remove ACLs that the new node inherited from its directory, unless `xattrs` has them. */
  readonly dropsAcl: boolean;
}

/** The attributes with ACLs. A new node inherits them if its directory has a default ACL. @see acl(5) */
const ACL_XATTRS = ['system.posix_acl_access', 'system.posix_acl_default'] as Octets[];

const SET_ID = 0o6000;
const SETGID = 0o2000;

export interface AttributeOptions {
  readonly owner: OwnerPolicy;
  readonly names: OwnerNames;
  /** Effective uid and gid of this process. */
  readonly self: Owner;
}

/** The attributes to set for a node. */
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

/** The mode. If owners are not restored, a file of another owner loses setuid and setgid: it would run with the wrong user's rights. */
function safeMode(kind: string, meta: Meta, { owner, self }: AttributeOptions): number {
  const mode = meta.mode ?? defaultMode(kind);
  if (owner !== 'none' || (mode & SET_ID) === 0) return mode;
  if (kind === 'dir') return mode;
  if (meta.uid !== self.uid) return mode & ~SET_ID;
  return meta.gid === self.gid ? mode : mode & ~SETGID;
}

/** Called for each attribute that could not be set, with its name and the error. The other attributes are still set. */
export type AttributeFailure = (what: string, error: unknown) => void;

/** Removes the owner from the attributes if a new node has it anyway. This saves a system call for each file. */
export function withoutOwner(attributes: Attributes, given: Owner | undefined): Attributes {
  return given === undefined || attributes.uid !== given.uid || attributes.gid !== given.gid
    ? attributes
    : { ...attributes, uid: -1, gid: -1 };
}

/**
 * Sets a node's attributes through its descriptor. The owner comes first, since chown clears setuid. Then come the extended attributes
 * `user.*`, which a read-only mode would prevent. The mode follows, and the other extended attributes, such as ACLs and capabilities.
 * The times come last, since the other calls change them.
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

/** Maximum bytes of all attribute names of a file, each with a NUL: XATTR_LIST_MAX in <linux/limits.h>. */
const MAX_NAMES_SIZE = 64 * 1024;

/** Sets extended attributes of an open file or a path. If they are more than a file can have, none is set. */
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
  // If a file had more names than can be listed, no program could copy it any more.
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

/** Runs one system call; returns whether it succeeded. */
export function attempt(what: string, onFailure: AttributeFailure, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    onFailure(what, error);
    return false;
  }
}
