import { fstatSync, futimesSync, lstatSync, lutimesSync, statSync, utimesSync } from 'node:fs';
import { constants } from 'node:os';
import { nodeTime } from '../timespec.ts';
import type { FileTarget, LibcCalls } from './libc-calls.ts';
import { systemError } from './system-error.ts';

const { ENOTSUP } = constants.errno;

/**
 * Implements the calls with Node alone, for machines on which the foreign function interface cannot load. A call that Node lacks does
 * nothing if that loses only precision or speed. Else it fails with ENOTSUP.
 */
export function plainLibc(): LibcCalls {
  return {
    losses: [
      'times are rounded to a microsecond, those before 1970 to a millisecond',
      'extended attributes and ACLs are neither read nor written',
      'holes of local files are not seen',
      'FIFOs, sockets and devices cannot be made',
      'files cannot be locked',
    ],
    flock() {
      throw systemError(ENOTSUP, 'flock');
    },
    utimensNs(target, atimeNs, mtimeNs, followSymlink) {
      const seen = atimeNs === undefined || mtimeNs === undefined ? statOf(target, followSymlink) : undefined;
      const atime = nodeTime(atimeNs ?? seen?.atimeNs ?? 0n);
      const mtime = nodeTime(mtimeNs ?? seen?.mtimeNs ?? 0n);
      if (typeof target === 'number') futimesSync(target, atime, mtime);
      else (followSymlink ? utimesSync : lutimesSync)(asBuffer(target), atime, mtime);
    },
    listXattrs: () => [],
    getXattr: () => undefined,
    setXattr(target) {
      throw systemError(ENOTSUP, 'lsetxattr', target);
    },
    removeXattr() {},
    seekData: (fd, offset) => (offset < fstatSync(fd).size ? offset : undefined),
    seekHole(fd, offset) {
      const size = fstatSync(fd).size;
      return offset < size ? size : undefined;
    },
    makeNode(path) {
      throw systemError(ENOTSUP, 'mknod', path);
    },
    localOffset: () => undefined,
    allocate() {},
    punchHole: () => false,
    fileTimeNs: () => BigInt(Date.now()) * 1_000_000n,
    advise() {},
  };
}

function statOf(target: FileTarget, follow: boolean): { readonly atimeNs: bigint; readonly mtimeNs: bigint } {
  if (typeof target === 'number') return fstatSync(target, { bigint: true });
  return follow ? statSync(asBuffer(target), { bigint: true }) : lstatSync(asBuffer(target), { bigint: true });
}

function asBuffer(path: Uint8Array): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}
