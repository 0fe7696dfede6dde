import type { Attributes, FilesystemSize, Instant } from '../filesystem.ts';
import type { NativeStat, NativeStatfs } from './native-types.ts';

/** Numbers of the library have 32 bits. */
const LIMIT = 2 ** 32;
const BLOCK_SIZE = 4096;

/** Attributes in the library's form: times in whole milliseconds, none before 1970; the ino in 32 bits. */
export function nativeStat(attributes: Attributes): NativeStat {
  const { mode, uid, gid, size, blocks, nlink, rdev, atime, mtime, ctime } = attributes;
  return {
    mode,
    uid,
    gid,
    size,
    dev: 0,
    nlink,
    ino: foldedIno(attributes.ino),
    rdev,
    blksize: BLOCK_SIZE,
    blocks,
    atime: millisecondsOf(atime),
    mtime: millisecondsOf(mtime),
    ctime: millisecondsOf(ctime),
  };
}

/** An ino folded to 32 bits, all bits of it contributing; the same for all names of a node. */
function foldedIno(ino: number): number {
  return ((ino % LIMIT) ^ Math.floor(ino / LIMIT)) >>> 0;
}

function millisecondsOf({ seconds, nanoseconds }: Instant): number {
  return Math.max(0, seconds * 1000 + Math.floor(nanoseconds / 1_000_000));
}

/** An instant from milliseconds since 1970. */
export function instantOfMilliseconds(milliseconds: number): Instant {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.floor(milliseconds - seconds * 1000) * 1_000_000 };
}

/** Sizes in units large enough to fit 32 bits. */
export function nativeStatfs(size: FilesystemSize): NativeStatfs {
  let unit = 1;
  while (Math.max(size.blocks, size.free) / unit >= LIMIT) unit *= 2;
  const blocks = Math.floor(size.blocks / unit);
  const free = Math.floor(size.free / unit);
  const bsize = size.blockSize * unit;
  const files = Math.min(size.files, LIMIT - 1);
  const ffree = Math.min(size.freeFiles, LIMIT - 1);
  return { bsize, frsize: bsize, blocks, bfree: free, bavail: free, files, ffree, favail: ffree, namemax: size.nameMax };
}
