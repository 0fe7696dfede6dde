import type { Octets } from '../../core/base/octets.ts';
import { xattrOf } from '../../core/dirent/kept-xattrs.ts';
import type { Meta } from '../../core/dirent/meta.ts';

// POSIX access control lists as Linux keeps them in xattrs: <linux/posix_acl_xattr.h>, acl(5). A version of 4 bytes,
// then entries of 8: tag, permissions, and the number of a user or group.

/** The list that a node's permissions come from. */
export const ACCESS_ACL = 'system.posix_acl_access' as Octets;
/** The list that new nodes in a Dir start with. */
export const DEFAULT_ACL = 'system.posix_acl_default' as Octets;

const ACL_VERSION = 2;
const HEADER_SIZE = 4;
const ENTRY_SIZE = 8;
const TAG = { userObject: 1, groupObject: 4, mask: 16, other: 32 } as const;

/** Whether octets are a well-formed list. */
export function isAcl(value: Uint8Array): boolean {
  return value.length >= HEADER_SIZE && (value.length - HEADER_SIZE) % ENTRY_SIZE === 0 && viewOf(value).getUint32(0, true) === ACL_VERSION;
}

/** Metadata with this access list: the permissions follow from it. A list that is equivalent to permissions is not kept. */
export function withAccessAcl(meta: Meta, acl: Uint8Array): Meta {
  const mode = ((meta.mode ?? 0) & ~0o777) | permissionsOf(acl);
  const xattrs = new Map(meta.xattrs);
  if ((acl.length - HEADER_SIZE) / ENTRY_SIZE > 3) xattrs.set(ACCESS_ACL, acl);
  else xattrs.delete(ACCESS_ACL);
  return { ...meta, mode, xattrs };
}

/** Metadata with these permissions; its access list is changed to match. */
export function withMode(meta: Meta, mode: number): Meta {
  const acl = xattrOf(meta, ACCESS_ACL);
  const changed = { ...meta, mode };
  if (acl === undefined || !isAcl(acl)) return changed;
  return { ...changed, xattrs: new Map(meta.xattrs).set(ACCESS_ACL, aclWithPermissions(acl, mode)) };
}

/** The metadata of a new node in a Dir with a default list, which replaces the umask. */
export function inheritAcl(meta: Meta, parent: Meta, kind: 'dir' | 'other', umask: number): Meta {
  const inherited = xattrOf(parent, DEFAULT_ACL);
  const mode = meta.mode ?? 0;
  if (inherited === undefined || !isAcl(inherited)) return { ...meta, mode: mode & ~umask };
  const limited = (mode & ~0o777) | (mode & permissionsOf(inherited));
  const access = withAccessAcl({ ...meta, mode: limited }, aclWithPermissions(inherited, limited));
  if (kind !== 'dir') return access;
  return { ...access, xattrs: new Map(access.xattrs).set(DEFAULT_ACL, inherited) };
}

/** Permissions equivalent to a list; the group gets those of the mask, if there is one. */
function permissionsOf(acl: Uint8Array): number {
  const found = new Map(entriesOf(acl).map(({ tag, permissions }) => [tag, permissions]));
  const group = found.get(TAG.mask) ?? found.get(TAG.groupObject) ?? 0;
  return ((found.get(TAG.userObject) ?? 0) << 6) | (group << 3) | (found.get(TAG.other) ?? 0);
}

/** A list with the permissions of a mode. */
function aclWithPermissions(acl: Uint8Array, mode: number): Uint8Array {
  const changed = Uint8Array.from(acl);
  const view = viewOf(changed);
  const entries = entriesOf(acl);
  const hasMask = entries.some(({ tag }) => tag === TAG.mask);
  for (const { tag, at } of entries) {
    if (tag === TAG.userObject) view.setUint16(at + 2, (mode >> 6) & 7, true);
    else if (tag === (hasMask ? TAG.mask : TAG.groupObject)) view.setUint16(at + 2, (mode >> 3) & 7, true);
    else if (tag === TAG.other) view.setUint16(at + 2, mode & 7, true);
  }
  return changed;
}

function entriesOf(acl: Uint8Array): { readonly tag: number; readonly permissions: number; readonly at: number }[] {
  const view = viewOf(acl);
  const entries = [];
  for (let at = HEADER_SIZE; at < acl.length; at += ENTRY_SIZE) {
    entries.push({ tag: view.getUint16(at, true), permissions: view.getUint16(at + 2, true) & 7, at });
  }
  return entries;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
