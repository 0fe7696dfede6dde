import { type Octets, octetsFromBytes } from '../../core/base/octets.ts';
import { isParserName } from '../../core/blockify/choose-parser.ts';
import { PARSER_ATTRIBUTE } from '../../core/blockify/content-hint.ts';
import { xattrNames, xattrOf } from '../../core/dirent/kept-xattrs.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { AttributeChange, Filesystem } from '../filesystem.ts';
import { whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { ACCESS_ACL, DEFAULT_ACL, isAcl, withAccessAcl, withMode } from './acl.ts';
import type { Inode } from './inode-table.ts';
import { instantOf, nanosecondsOf } from './instant.ts';
import type { LiveMount } from './live-mount.ts';
import { writableFront } from './write/write-front.ts';

/** Setuid, setgid, and the execute bit of the group. */
const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;

/** The xattr that names the Blocks of a file once they are stored. */
export const BLOCKREF_XATTR = 'user.x-vt-blockref' as Octets;
/** Capabilities of a program, which any write removes. */
const CAPABILITY_XATTR = 'security.capability' as Octets;

/** Namespace that only privileged processes see. */
const TRUSTED = 'trusted.';
/** Prefixes of names: xattr(7). */
const NAMESPACES: readonly string[] = ['user.', TRUSTED, 'security.'];

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;
/** Octets of a list of names, at most: XATTR_LIST_MAX in <linux/limits.h>. */
const MAX_LIST_SIZE = 64 * 1024;
/** Octets of all xattrs of a node, at most: they are stored in its Dirent. */
const MAX_XATTRS_SIZE = 1024 * 1024;

/** The operations on metadata. */
export type AttributeOperations = Pick<
  Filesystem,
  'getattr' | 'birthTime' | 'setattr' | 'getxattr' | 'listxattr' | 'setxattr' | 'removexattr'
>;

/** Metadata of a live tree, as a kernel asks for it. */
export function attributeOperations(mount: LiveMount, blockrefOf: (inode: Inode) => Promise<string>): AttributeOperations {
  const { inodes } = mount;
  return {
    getattr: (ino) => mount.wholeAttributes(inodes.get(ino)),
    birthTime(ino) {
      const { btimeNs } = inodes.get(ino).node.dirent.meta;
      return btimeNs === undefined ? undefined : instantOf(btimeNs);
    },
    setattr(ino, change) {
      const inode = inodes.get(ino);
      if (change.size !== undefined) {
        if (!Number.isSafeInteger(change.size)) throw new FilesystemError('EFBIG');
        writableFront(mount, mount.file(ino)).truncate(change.size);
        inode.writtenNs = mount.options.clock.nowNs();
      }
      if (change.atime !== undefined) inode.atime = change.atime === 'now' ? instantOf(mount.options.clock.nowNs()) : change.atime;
      const done = mount.changeMeta(inode, (meta) => changedMeta(mount, inode, meta, change), change.ctime);
      return whenThere(done, () => mount.wholeAttributes(inode));
    },
    getxattr(ino, name) {
      const inode = inodes.get(ino);
      if (name === BLOCKREF_XATTR && inode.node.dirent.kind === 'file') return blockrefOf(inode).then((text) => Buffer.from(text));
      return xattrOf(inode.node.dirent.meta, name);
    },
    listxattr(ino, { uid }) {
      const names = xattrNames(inodes.get(ino).node.dirent.meta, MAX_LIST_SIZE);
      if (names === undefined) throw new FilesystemError('E2BIG');
      return uid === 0 ? names : names.filter((name) => !name.startsWith(TRUSTED));
    },
    setxattr(ino, name, value, flags) {
      if (name === BLOCKREF_XATTR) throw new FilesystemError('EPERM');
      if (!hasNamespace(name)) throw new FilesystemError('EOPNOTSUPP');
      if (name === PARSER_ATTRIBUTE && !isParserName(octetsFromBytes(value))) throw new FilesystemError('EINVAL');
      const inode = inodes.get(ino);
      const isList = name === ACCESS_ACL || name === DEFAULT_ACL;
      if (isList && !isAcl(value)) throw new FilesystemError('EINVAL');
      if (name === DEFAULT_ACL && inode.node.sort !== 'dir') throw new FilesystemError('EACCES');
      return mount.changeMeta(inode, (meta) => {
        const xattrs = new Map(meta.xattrs);
        if ((flags & XATTR_CREATE) !== 0 && xattrs.has(name)) throw new FilesystemError('EEXIST');
        if ((flags & XATTR_REPLACE) !== 0 && !xattrs.has(name)) throw new FilesystemError('ENODATA');
        if (name === ACCESS_ACL) return withAccessAcl(meta, value);
        xattrs.set(name, value);
        return withXattrs(meta, xattrs);
      });
    },
    removexattr(ino, name) {
      return mount.changeMeta(inodes.get(ino), (meta) => {
        const xattrs = new Map(meta.xattrs);
        if (!xattrs.delete(name)) throw new FilesystemError('ENODATA');
        return withXattrs(meta, xattrs);
      });
    },
  };
}

/** Whether a name is in a namespace that Linux accepts. */
function hasNamespace(name: Octets): boolean {
  return name === ACCESS_ACL || name === DEFAULT_ACL || NAMESPACES.some((prefix) => name.startsWith(prefix) && name.length > prefix.length);
}

/** Whether nothing is to be set: the kernel sends this for a chown(2) without owner and group. */
function isBareChown({ mode, uid, gid, size, mtime, atime, killSuidGid }: AttributeChange): boolean {
  return [mode, uid, gid, size, mtime, atime, killSuidGid].every((field) => field === undefined);
}

function changedMeta(mount: LiveMount, inode: Inode, meta: Meta, change: AttributeChange): Meta {
  let changed: Meta = meta;
  if (change.mode !== undefined) changed = withMode(changed, change.mode & 0o7777);
  const hasOwner = change.uid !== undefined || change.gid !== undefined;
  if (hasOwner) {
    const { user, group, ...rest } = changed;
    // An old owner name must not stay beside a new number.
    changed = {
      ...rest,
      ...(change.uid === undefined && user !== undefined ? { user } : {}),
      ...(change.gid === undefined && group !== undefined ? { group } : {}),
      ...mount.ownerMeta(change.uid, change.gid),
    };
  }
  const losesPrivileges = hasOwner || change.killSuidGid === true || isBareChown(change);
  if (inode.node.sort !== 'dir' && losesPrivileges) changed = withoutPrivileges(changed, change.mode === undefined);
  if (change.mtime !== undefined) {
    const { clock } = mount.options;
    const mtimeNs = change.mtime === 'now' ? clock.nowNs() : nanosecondsOf(change.mtime);
    clock.saw(mtimeNs);
    changed = { ...changed, mtimeNs };
  }
  return changed;
}

/** Metadata without setuid, setgid where the group may execute, and capabilities. */
export function withoutPrivileges(meta: Meta, modeToo: boolean): Meta {
  const { mode } = meta;
  const lessMode = mode === undefined || !modeToo ? mode : mode & ~S_ISUID & ((mode & S_IXGRP) === 0 ? ~0 : ~S_ISGID);
  const changed = lessMode === undefined ? meta : { ...meta, mode: lessMode };
  if (xattrOf(changed, CAPABILITY_XATTR) === undefined) return changed;
  const xattrs = new Map(changed.xattrs);
  xattrs.delete(CAPABILITY_XATTR);
  return withXattrs(changed, xattrs);
}

function withXattrs(meta: Meta, xattrs: ReadonlyMap<Octets, Uint8Array>): Meta {
  const { xattrs: _before, ...rest } = meta;
  if (xattrs.size === 0) return rest;
  let octets = 0;
  for (const [name, value] of xattrs) octets += name.length + value.length;
  if (octets > MAX_XATTRS_SIZE) throw new FilesystemError('ENOSPC');
  return { ...rest, xattrs: new Map([...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) };
}
