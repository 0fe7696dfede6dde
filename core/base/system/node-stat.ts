import type { BigIntStats } from 'node:fs';
import type { DeviceNumber } from './libc-calls.ts';

/** The status of a node, as lstat(2) reports it: the fields of node:fs's BigIntStats that every implementation provides. */
export type NodeStat = Pick<
  BigIntStats,
  'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'size' | 'blocks' | 'mtimeNs' | 'ctimeNs'
>;

const S_IFMT = 0o170000n;

/** The file type of a mode: `constants.S_IFDIR`, … */
export function fileType({ mode }: Pick<NodeStat, 'mode'>): number {
  return Number(mode & S_IFMT);
}

/** Whether two stats describe the same node. */
export function isSameNode(a: Pick<NodeStat, 'dev' | 'ino'>, b: Pick<NodeStat, 'dev' | 'ino'>): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** Splits a dev_t of Linux, as major(3) and minor(3) do. */
export function splitDevice(rdev: bigint): DeviceNumber {
  return {
    major: Number(((rdev >> 32n) & 0xfffff000n) | ((rdev >> 8n) & 0xfffn)),
    minor: Number(((rdev >> 12n) & 0xffffff00n) | (rdev & 0xffn)),
  };
}

/** Makes a dev_t of Linux, as makedev(3) of glibc and musl does. */
export function joinDevice(major: number, minor: number): bigint {
  // The usual case, without bigints in between.
  if (major < 0x1000 && minor < 0x100) return BigInt(major * 0x100 + minor);
  const a = BigInt(major);
  const b = BigInt(minor);
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
}
