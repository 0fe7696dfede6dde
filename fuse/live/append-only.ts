import { constants } from 'node:fs';
import type { Filesystem } from '../filesystem.ts';
import { whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { ACCESS_ACL, DEFAULT_ACL } from './acl.ts';

/** fallocate(2): <linux/falloc.h>. */
const FALLOC_KEEP_SIZE = 1;

/**
 * A filesystem that loses nothing: new names, and bytes at the ends of files. What would take away a name, a byte or an attribute is EPERM. Owners,
 * permissions and times may change, so that programs which set them last can write here.
 *
 * The kernel must not collect writes before it: it would write whole pages, with what is before an end.
 *
 * @param onRefused - called with a file whose bytes were not written: those who mapped it have them in the kernel's pages
 */
export function appendOnly(filesystem: Filesystem, onRefused: (ino: number) => void): Filesystem {
  const refuse = (): never => {
    throw new FilesystemError('EPERM');
  };
  /** Does it where the file ends at the offset or before. */
  const behindEnd = <T>(ino: number, offset: number, work: () => T): T | Promise<Awaited<T>> =>
    whenThere(filesystem.getattr(ino, undefined), ({ size }) => (offset < size ? refuse() : work()));
  return {
    ...filesystem,
    unlink: refuse,
    rmdir: refuse,
    rename: refuse,
    removexattr: refuse,
    setattr: (ino, change, caller) =>
      change.size === undefined
        ? filesystem.setattr(ino, change, caller)
        : behindEnd(ino, change.size, () => filesystem.setattr(ino, change, caller)),
    open: (ino, flags, killSuidGid, caller) =>
      (flags & constants.O_TRUNC) === 0
        ? filesystem.open(ino, flags, killSuidGid, caller)
        : behindEnd(ino, 0, () => filesystem.open(ino, flags, killSuidGid, caller)),
    write: (ino, handle, offset, data, how, caller) =>
      how.append
        ? filesystem.write(ino, handle, offset, data, how, caller)
        : whenThere(filesystem.getattr(ino, undefined), ({ size }) => {
            if (offset >= size) return filesystem.write(ino, handle, offset, data, how, caller);
            onRefused(ino);
            return refuse();
          }),
    fallocate: (ino, handle, mode, offset, length, caller) =>
      (mode & ~FALLOC_KEEP_SIZE) === 0 ? filesystem.fallocate(ino, handle, mode, offset, length, caller) : refuse(),
    copyRange: (from, to, caller) => behindEnd(to.ino, to.offset, () => filesystem.copyRange(from, to, caller)),
    setxattr: async (ino, name, value, flags, caller) => {
      if (name !== ACCESS_ACL && name !== DEFAULT_ACL) {
        const before = await filesystem.getxattr(ino, name, caller);
        if (before !== undefined && Buffer.compare(before, value) !== 0) refuse();
      }
      await filesystem.setxattr(ino, name, value, flags, caller);
    },
  };
}
