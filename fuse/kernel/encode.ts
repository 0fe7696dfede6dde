import type { Attributes } from '../filesystem.ts';
import { ATTR_SIZE, ENTRY_SIZE } from './abi.ts';
import { writeI64 } from './octet-fields.ts';

/** Seconds that the kernel may trust attributes and names, which it is told of where they change from behind. */
export const CACHE_SECONDS = 3600;

/** What stat(2) gives as the best size of reads. */
const BLOCK_SIZE = 4096;

/** Puts `fuse_attr` at an offset. */
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

/** Puts `fuse_attr_out` at an offset. @returns where it ends */
export function writeAttrOut(out: Buffer, at: number, attributes: Attributes): number {
  writeI64(out, attributes.provisional === true ? 0 : CACHE_SECONDS, at);
  writeI64(out, 0, at + 8);
  writeAttributes(out, at + 16, attributes);
  return at + 16 + ATTR_SIZE;
}

/** Puts `fuse_entry_out` at an offset. @returns where it ends */
export function writeEntry(out: Buffer, at: number, attributes: Attributes): number {
  writeI64(out, attributes.ino, at);
  writeI64(out, 0, at + 8);
  writeI64(out, CACHE_SECONDS, at + 16);
  writeI64(out, attributes.provisional === true ? 0 : CACHE_SECONDS, at + 24);
  writeI64(out, 0, at + 32);
  writeAttributes(out, at + 40, attributes);
  return at + ENTRY_SIZE;
}

/** Puts an entry that is not there, which the kernel may remember. @returns where it ends */
export function writeNoEntry(out: Buffer, at: number): number {
  out.fill(0, at, at + ENTRY_SIZE);
  writeI64(out, CACHE_SECONDS, at + 16);
  return at + ENTRY_SIZE;
}
