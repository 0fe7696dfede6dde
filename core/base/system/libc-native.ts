import { constants } from 'node:os';
import type { Octets } from '../octets.ts';
import { TIMESPECS_SIZE, writeTimespec } from '../timespec.ts';
import type { DeviceNumber, FileTarget, LibcCalls } from './libc-calls.ts';
import { joinDevice } from './node-stat.ts';
import { systemError } from './system-error.ts';

/** A bound C function. It takes numbers, bytes and null, and returns a number. */
export type NativeFunction = (...args: readonly (number | bigint | Uint8Array | null)[]) => number;

/** The foreign function interface. `bind` returns undefined if libc has no such function. */
export interface NativeLibrary {
  bind(name: string, result: string, parameters: readonly string[]): NativeFunction | undefined;
  /** The function at an address of this process. It must return nothing. */
  at(address: number, parameters: readonly string[]): NativeFunction;
  /** The thread's errno after the last call. */
  errno(): number;
}

const DARWIN = process.platform === 'darwin';
// fcntl.h, sys/stat.h, unistd.h, sys/file.h of Linux and macOS.
const AT_FDCWD = DARWIN ? -2 : -100;
const AT_SYMLINK_NOFOLLOW = DARWIN ? 0x20 : 0x100;
const SEEK_DATA = DARWIN ? 4 : 3;
const SEEK_HOLE = DARWIN ? 3 : 4;
const LOCK = { shared: 1, exclusive: 2, unlock: 8 } as const;
const LOCK_NB = 4;
const ADVICE = { sequential: 2, willneed: 3, dontneed: 4 } as const;
// time.h: in 64-bit glibc, musl and macOS, struct tm has nine ints, a long (seconds east of UTC) and a pointer.
const TM_GMTOFF_OFFSET = 40;
const TM_SIZE = 64;
/** CLOCK_REALTIME_COARSE of Linux, CLOCK_REALTIME of macOS (time.h). */
const CLOCK_OF_FILES = DARWIN ? 0 : 5;
const XATTR_NOFOLLOW = 1; // macOS
const FALLOC_KEEP_SIZE = 1;
const FALLOC_PUNCH_HOLE = 2;
const XATTR_SCRATCH = 64 * 1024; // XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux

const { EINTR, ENODATA, ENOSYS, ENOTSUP, EOPNOTSUPP, ENXIO, ERANGE, EWOULDBLOCK, EINVAL } = constants.errno;
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const ENOATTR = DARWIN ? 93 : ENODATA;

type XattrVerb = 'list' | 'get' | 'set' | 'remove';

const XATTR_TYPES: Readonly<Record<XattrVerb, readonly string[]>> = {
  list: ['void *', 'size_t'],
  get: ['const void *', 'void *', 'size_t'],
  set: ['const void *', 'const void *', 'size_t'],
  remove: ['const void *'],
};

/** Additional parameters: a position and options on macOS, flags for `set` on Linux. */
const XATTR_EXTRA_TYPES: Readonly<Record<XattrVerb, readonly string[]>> = {
  list: DARWIN ? ['int'] : [],
  get: DARWIN ? ['uint32_t', 'int'] : [],
  set: DARWIN ? ['uint32_t', 'int'] : ['int'],
  remove: DARWIN ? ['int'] : [],
};

/** Implements the system calls through a foreign function interface. Functions are bound at their first use. */
export function nativeLibc(library: NativeLibrary): LibcCalls {
  const scratch = Buffer.allocUnsafeSlow(XATTR_SCRATCH);
  const pathScratch = Buffer.allocUnsafeSlow(4097);
  const nameScratch = Buffer.allocUnsafeSlow(257);
  const times = Buffer.alloc(TIMESPECS_SIZE);
  const instant = Buffer.alloc(8);
  const brokenDown = Buffer.alloc(TM_SIZE);
  const bound = new Map<string, NativeFunction>();

  const bindOrUndefined = (name: string, result: string, parameters: readonly string[]): NativeFunction | undefined => {
    const known = bound.get(name);
    if (known !== undefined) return known;
    const made = library.bind(name, result, parameters);
    if (made !== undefined) bound.set(name, made);
    return made;
  };
  const bind = (name: string, result: string, parameters: readonly string[]): NativeFunction => {
    const made = bindOrUndefined(name, result, parameters);
    if (made === undefined) throw systemError(ENOSYS, name);
    return made;
  };
  /** Converts a path to a C string, in a buffer that the next call reuses. */
  const cPath = (path: Uint8Array): Buffer => {
    if (path.length >= pathScratch.length) throw systemError(constants.errno.ENAMETOOLONG, 'path', path);
    if (path.includes(0)) throw systemError(EINVAL, 'path', path);
    pathScratch.set(path);
    pathScratch[path.length] = 0;
    return pathScratch;
  };
  const cName = (name: Octets): Buffer => {
    if (name.length >= nameScratch.length) throw systemError(ERANGE, 'xattr name');
    const end = nameScratch.write(name, 0, 'latin1');
    nameScratch[end] = 0;
    return nameScratch;
  };
  const fail = (syscall: string, target?: FileTarget): never => {
    throw systemError(library.errno(), syscall, target);
  };
  /** The variant of an xattr function for a descriptor or a path. */
  const xattrFunction = (verb: XattrVerb, byFd: boolean): NativeFunction => {
    const name = `${byFd ? 'f' : DARWIN ? '' : 'l'}${verb}xattr`;
    const result = verb === 'list' || verb === 'get' ? 'int64_t' : 'int';
    return bind(name, result, [byFd ? 'int' : 'const void *', ...XATTR_TYPES[verb], ...XATTR_EXTRA_TYPES[verb]]);
  };
  /** Calls the right variant of an xattr function, with the extra arguments of the platform. */
  const xattrCall = (verb: XattrVerb, target: FileTarget, rest: readonly (Uint8Array | number | null)[]): number => {
    const byFd = typeof target === 'number';
    const options = DARWIN ? (byFd ? 0 : XATTR_NOFOLLOW) : 0;
    const extra = DARWIN ? (verb === 'get' || verb === 'set' ? [0, options] : [options]) : verb === 'set' ? [0] : [];
    // eslint-disable-next-line no-restricted-syntax -- five arguments at most
    return xattrFunction(verb, byFd)(byFd ? target : cPath(target), ...rest, ...extra);
  };
  let clock: NativeFunction | undefined;
  // A walk lists the attributes of every node. So the functions are bound once, and called without arrays of arguments.
  let listByFd: NativeFunction | undefined;
  let listByPath: NativeFunction | undefined;
  const listCall = (target: FileTarget, buffer: Buffer): number => {
    if (DARWIN) return xattrCall('list', target, [buffer, buffer.length]);
    if (typeof target === 'number') {
      listByFd ??= xattrFunction('list', true);
      return listByFd(target, buffer, buffer.length);
    }
    listByPath ??= xattrFunction('list', false);
    return listByPath(cPath(target), buffer, buffer.length);
  };
  const seek = (fd: number, offset: number, whence: number): number | undefined => {
    const found = bind('lseek', 'int64_t', ['int', 'int64_t', 'int'])(fd, offset, whence);
    if (found >= 0) return found;
    if (library.errno() === ENXIO) return undefined;
    return fail('lseek', fd);
  };

  return {
    losses: [],
    fileTimeNs() {
      // Bound once: a mount calls it at each change.
      clock ??= bind('clock_gettime', 'int', ['int', 'void *']);
      if (clock(CLOCK_OF_FILES, times) !== 0) return fail('clock_gettime');
      return times.readBigInt64LE(0) * 1_000_000_000n + times.readBigInt64LE(8);
    },
    flock(fd, operation, nonBlocking) {
      const call = bind('flock', 'int', ['int', 'int']);
      for (;;) {
        if (call(fd, LOCK[operation] | (nonBlocking ? LOCK_NB : 0)) === 0) return operation !== 'unlock';
        const errno = library.errno();
        if (errno === EWOULDBLOCK) return false;
        if (errno !== EINTR) throw systemError(errno, 'flock');
      }
    },
    utimensNs(target, atimeNs, mtimeNs, followSymlink) {
      writeTimespec(times, 0, atimeNs);
      writeTimespec(times, 16, mtimeNs);
      const status =
        typeof target === 'number'
          ? bind('futimens', 'int', ['int', 'const void *'])(target, times)
          : bind('utimensat', 'int', ['int', 'const void *', 'const void *', 'int'])(
              AT_FDCWD,
              cPath(target),
              times,
              followSymlink ? 0 : AT_SYMLINK_NOFOLLOW,
            );
      if (status !== 0) fail('utimensat', target);
    },
    listXattrs(target) {
      let buffer = scratch;
      for (;;) {
        const length = listCall(target, buffer);
        if (length === 0) return [];
        if (length > 0) return buffer.toString('latin1', 0, length - 1).split('\0') as Octets[];
        const errno = library.errno();
        if (errno === ENOTSUP || errno === EOPNOTSUPP || errno === ENOSYS) return [];
        if (errno !== ERANGE) throw systemError(errno, 'llistxattr', target);
        buffer = Buffer.allocUnsafeSlow(buffer.length * 4);
      }
    },
    getXattr(target, name) {
      let buffer = scratch;
      for (;;) {
        const length = xattrCall('get', target, [cName(name), buffer, buffer.length]);
        if (length >= 0) return Buffer.from(buffer.subarray(0, length));
        const errno = library.errno();
        if (errno === ENODATA || errno === ENOATTR || errno === ENOTSUP || errno === EOPNOTSUPP) return undefined;
        if (errno !== ERANGE) throw systemError(errno, 'lgetxattr', target);
        buffer = Buffer.allocUnsafeSlow(buffer.length * 4);
      }
    },
    setXattr(target, name, value) {
      // An empty array has no valid pointer.
      const data = value.length === 0 ? Buffer.alloc(1) : value;
      if (xattrCall('set', target, [cName(name), data, value.length]) !== 0) fail('lsetxattr', target);
    },
    removeXattr(target, name) {
      if (xattrCall('remove', target, [cName(name)]) === 0) return;
      const errno = library.errno();
      if (errno !== ENODATA && errno !== ENOATTR) throw systemError(errno, 'lremovexattr', target);
    },
    seekData: (fd, offset) => seek(fd, offset, SEEK_DATA),
    seekHole: (fd, offset) => seek(fd, offset, SEEK_HOLE),
    makeNode(path, mode, device) {
      if ((mode & S_IFMT) === S_IFIFO) {
        if (bind('mkfifo', 'int', ['const void *', 'uint32_t'])(cPath(path), mode & 0o7777) !== 0) fail('mkfifo', path);
        return;
      }
      const number = deviceNumber(device);
      // glibc before 2.33 has only the versioned form.
      const plain = bindOrUndefined('mknod', 'int', ['const void *', 'uint32_t', DARWIN ? 'int32_t' : 'uint64_t']);
      const status = plain !== undefined ? plain(cPath(path), mode, number) : versionedMknod(path, mode, number);
      if (status !== 0) fail('mknod', path);
    },
    localOffset(seconds) {
      instant.writeBigInt64LE(BigInt(seconds));
      // It returns a pointer to the struct, or NULL if the year does not fit an int.
      const filled = bind('localtime_r', 'uintptr_t', ['const void *', 'void *'])(instant, brokenDown);
      return filled === 0 ? undefined : Number(brokenDown.readBigInt64LE(TM_GMTOFF_OFFSET));
    },
    allocate(fd, offset, length) {
      if (DARWIN || length <= 0) return;
      const status = bind('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t'])(fd, FALLOC_KEEP_SIZE, offset, length);
      if (status === 0) return;
      const errno = library.errno();
      if (errno !== ENOTSUP && errno !== EOPNOTSUPP && errno !== ENOSYS) throw systemError(errno, 'fallocate');
    },
    punchHole(fd, offset, length) {
      if (DARWIN) return false;
      return bind('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t'])(fd, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, offset, length) === 0;
    },
    advise(fd, offset, length, advice) {
      if (DARWIN) return;
      bindOrUndefined('posix_fadvise', 'int', ['int', 'int64_t', 'int64_t', 'int'])?.(fd, offset, length, ADVICE[advice]);
    },
  };

  function versionedMknod(path: Uint8Array, mode: number, number: number | bigint): number {
    const holder = Buffer.alloc(8);
    holder.writeBigUInt64LE(BigInt(number));
    const version = process.arch === 'x64' ? 1 : 0; // _MKNOD_VER of glibc
    return bind('__xmknod', 'int', ['int', 'const void *', 'uint32_t', 'const void *'])(version, cPath(path), mode, holder);
  }
}

/** Encodes a dev_t, as makedev(3) of glibc, musl or macOS does. */
export function deviceNumber({ major, minor }: DeviceNumber): number | bigint {
  return DARWIN ? ((major & 0xff) << 24) | (minor & 0xffffff) : joinDevice(major, minor);
}
