import { chmodSync, chownSync, lchownSync } from 'node:fs';
import type { Octets } from '../../base/octets.ts';
import { CAN_HOLD, holdNode } from '../../base/system/hold-node.ts';
import { listXattrs, removeXattr, setXattr, utimensNs } from '../../base/system/libc.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import type { MetaChange } from '../tree.ts';
import type { LocalNode } from './local-node.ts';
import { localNode, localXattrs } from './local-node.ts';

/**
 * Sets metadata of a node on disk without following symlinks. Ignores what no system call can set: ctime, birth time, and
 * a symlink's mode.
 *
 * @throws SystemError
 */
export function setLocalMeta(node: LocalNode, change: MetaChange, owners: OwnerNames): void {
  using held = holdNode(node.path, node.stat);
  const itself = pathBytes(held.node);
  const uid = change.uid ?? (change.user == null ? undefined : owners.userId(change.user));
  const gid = change.gid ?? (change.group == null ? undefined : owners.groupId(change.group));
  // Change the owner first, since that clears setuid and setgid.
  if (uid !== undefined || gid !== undefined) chown(itself, uid ?? Number(node.stat.uid), gid ?? Number(node.stat.gid));
  if (change.xattrs !== undefined) replaceXattrs(pathBytes(held.entry), change.xattrs ?? new Map());
  if (change.mode != null && node.kind !== 'symlink') chmodSync(itself, change.mode);
  if (change.mtimeNs != null) utimensNs(itself, undefined, change.mtimeNs, CAN_HOLD);
}

const chown = CAN_HOLD ? chownSync : lchownSync;

function replaceXattrs(target: Buffer, values: ReadonlyMap<Octets, Uint8Array>): void {
  for (const name of listXattrs(target)) if (!values.has(name)) removeXattr(target, name);
  for (const [name, value] of values) setXattr(target, name, value);
}

/** Copies the owner, permissions, extended attributes and mtime of a node to the node at `path`. */
export function copyLocalMeta(from: LocalNode, path: Octets, owners: OwnerNames): void {
  const to = localNode(path);
  if (to === undefined) return;
  const { uid, gid, mode, mtimeNs } = from.stat;
  const isOwner = uid === to.stat.uid && gid === to.stat.gid;
  const xattrs = localXattrs(from);
  setLocalMeta(
    to,
    {
      ...(isOwner ? {} : { uid: Number(uid), gid: Number(gid) }),
      mode: Number(mode) & 0o7777,
      mtimeNs,
      ...(xattrs.size === 0 ? {} : { xattrs }),
    },
    owners,
  );
}
