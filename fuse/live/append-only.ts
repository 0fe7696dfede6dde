import { constants } from 'node:fs';
import type { Filesystem } from '../filesystem.ts';
import { whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { ACCESS_ACL, DEFAULT_ACL } from './acl.ts';

/** fallocate(2): <linux/falloc.h>. */
const FALLOC_KEEP_SIZE = 1;

/**
 * A filesystem that allows only new names, and new octets at the ends of files. Removing a name, an octet or an attribute is EPERM. Owners,
 * permissions and times may change, as many programs set them after writing.
 *
 * The kernel's write cache must be off: it would write whole pages, which include octets before the end.
 *
 * @param onRefused - called for a file whose octets were not written: the kernel's pages of a mapped file still have them
 */
export function appendOnly(filesystem: Filesystem, onRefused: (ino: number) => void): Filesystem {
  const refuse = (): never => {
    throw new FilesystemError('EPERM');
  };
  /** Calls `work` if the file ends at or before the offset; otherwise EPERM. */
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
