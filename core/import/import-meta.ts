import type { BigIntStats } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { splitDevice } from '../base/system/node-stat.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { DirentKind } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';

// Metadata of local nodes. Access and change times are left out, because they would make every import differ.

const S_IFMT = 0o170000n;

const KINDS: ReadonlyMap<bigint, Exclude<DirentKind, 'indirect'>> = new Map([
  [0o100000n, 'file'],
  [0o040000n, 'dir'],
  [0o120000n, 'symlink'],
  [0o010000n, 'fifo'],
  [0o140000n, 'socket'],
  [0o020000n, 'char'],
  [0o060000n, 'block'],
]);

/** The kind of a local node; undefined for a file type that Dirents do not support. */
export function kindOfMode(mode: bigint): Exclude<DirentKind, 'indirect'> | undefined {
  return KINDS.get(mode & S_IFMT);
}

/** The fields that `metaOf` needs. */
export type MetaStat = Pick<BigIntStats, 'mode' | 'uid' | 'gid' | 'mtimeNs'>;

/** Makes the metadata of a node. @param xattrs - must be ascending by name */
export function metaOf(stat: MetaStat, owners: OwnerNames, xattrs: ReadonlyMap<Octets, Uint8Array> | undefined): Meta {
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  const user = owners.userName(uid);
  const group = owners.groupName(gid);
  return {
    mode: Number(stat.mode & 0o7777n),
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    mtimeNs: stat.mtimeNs,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** The numbers of a device. */
export function rdevOf(stat: Pick<BigIntStats, 'rdev'>): { readonly major: number; readonly minor: number } {
  return splitDevice(stat.rdev);
}
