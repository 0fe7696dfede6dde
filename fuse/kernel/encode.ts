import { unpackDevice } from '../device-number.ts';
import type { Attributes, Instant } from '../filesystem.ts';
import { ATTR_SIZE, ENTRY_SIZE, STATX, STATX_OUT_SIZE } from './abi.ts';
import { writeI64 } from './octet-fields.ts';

/** Seconds that the kernel may cache attributes and names; it is notified of changes that it did not make. */
export const CACHE_SECONDS = 3600;

/** Preferred size of reads in octets, as reported by stat(2). */
const BLOCK_SIZE = 4096;

/** Writes `fuse_attr` at an offset. */
export function writeAttributes(out: Buffer, at: number, attributes: Attributes): void {
  const { atime, mtime, ctime } = attributes;
  writeI64(out, attributes.ino, at);
  writeI64(out, attributes.size, at + 8);
  writeI64(out, attributes.blocks, at + 16);
  writeI64(out, atime.seconds, at + 24);
  writeI64(out, mtime.seconds, at + 32);
  writeI64(out, ctime.seconds, at + 40);
  out.writeUInt32LE(atime.nanoseconds, at + 48);
  out.writeUInt32LE(mtime.nanoseconds, at + 52);
  out.writeUInt32LE(ctime.nanoseconds, at + 56);
  out.writeUInt32LE(attributes.mode, at + 60);
  out.writeUInt32LE(attributes.nlink, at + 64);
  out.writeUInt32LE(attributes.uid, at + 68);
  out.writeUInt32LE(attributes.gid, at + 72);
  out.writeUInt32LE(attributes.rdev, at + 76);
  out.writeUInt32LE(BLOCK_SIZE, at + 80);
  out.writeUInt32LE(0, at + 84);
}

/** Writes `fuse_attr_out` at an offset. @returns where it ends */
export function writeAttrOut(out: Buffer, at: number, attributes: Attributes): number {
  writeI64(out, attributes.provisional === true ? 0 : CACHE_SECONDS, at);
  writeI64(out, 0, at + 8);
  writeAttributes(out, at + 16, attributes);
  return at + 16 + ATTR_SIZE;
}

/** Writes `fuse_statx_out` at an offset. @param birth - creation time of the node, if known. @returns where it ends */
export function writeStatxOut(out: Buffer, at: number, attributes: Attributes, birth: Instant | undefined): number {
  const end = at + STATX_OUT_SIZE;
  out.fill(0, at, end);
  writeI64(out, attributes.provisional === true ? 0 : CACHE_SECONDS, at);
  const stat = at + 32;
  out.writeUInt32LE(STATX.BASIC_STATS | (birth === undefined ? 0 : STATX.BTIME), stat);
  out.writeUInt32LE(BLOCK_SIZE, stat + 4);
  out.writeUInt32LE(attributes.nlink, stat + 16);
  out.writeUInt32LE(attributes.uid, stat + 20);
  out.writeUInt32LE(attributes.gid, stat + 24);
  out.writeUInt16LE(attributes.mode, stat + 28);
  writeI64(out, attributes.ino, stat + 32);
  writeI64(out, attributes.size, stat + 40);
  writeI64(out, attributes.blocks, stat + 48);
  for (const [i, time] of [attributes.atime, birth, attributes.ctime, attributes.mtime].entries()) {
    if (time === undefined) continue;
    writeI64(out, time.seconds, stat + 64 + 16 * i);
    out.writeUInt32LE(time.nanoseconds, stat + 72 + 16 * i);
  }
  const { major, minor } = unpackDevice(attributes.rdev);
  out.writeUInt32LE(major, stat + 128);
  out.writeUInt32LE(minor, stat + 132);
  return end;
}

/** Writes `fuse_entry_out` at an offset. @returns where it ends */
export function writeEntry(out: Buffer, at: number, attributes: Attributes): number {
  writeI64(out, attributes.ino, at);
  writeI64(out, 0, at + 8);
  writeI64(out, CACHE_SECONDS, at + 16);
  writeI64(out, attributes.provisional === true ? 0 : CACHE_SECONDS, at + 24);
  writeI64(out, 0, at + 32);
  writeAttributes(out, at + 40, attributes);
  return at + ENTRY_SIZE;
}

/** Writes the entry of a name that does not exist, which the kernel may cache. @returns where it ends */
export function writeNoEntry(out: Buffer, at: number): number {
  out.fill(0, at, at + ENTRY_SIZE);
  writeI64(out, CACHE_SECONDS, at + 16);
  return at + ENTRY_SIZE;
}
