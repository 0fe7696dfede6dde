import { nativeLibrary } from '../../../core/base/system/libc.ts';
import type { NativeFunction } from '../../../core/base/system/libc-native.ts';
import { ERRNO_NAMES } from './errno-names.ts';
import type { DirEntry, Moment, Stat, SystemCalls, TimeWord } from './system-calls.ts';
import { CallError } from './system-calls.ts';

/** What functions of the C library take. */
type NativeArgument = Uint8Array | number | bigint | null;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const STATX_BASIC = 0x7ff;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MS_SYNC = 4;
const PAGE = 4096;

/** The system calls of this very process. @param top - the folder that `enter` makes folders in */
export function linuxCalls(top: string): SystemCalls {
  const library = nativeLibrary();
  if (library === undefined) throw new Error('the C library cannot be called');
  const bound = new Map<string, NativeFunction>();
  /** Calls a function of the C library that gives -1 where it fails. */
  const call = (name: string, types: string, ...args: NativeArgument[]): number => {
    let found = bound.get(name);
    if (found === undefined) {
      found = library.bind(name, 'int64_t', types.split(' '));
      if (found === undefined) throw new CallError(name, 'ENOSYS');
      bound.set(name, found);
    }
    const result = Number(found(...args));
    // Functions that give an int leave the upper half of the register alone.
    if (result === -1 || result === 0xffffffff) throw new CallError(name, ERRNO_NAMES.get(library.errno()) ?? `errno ${library.errno()}`);
    return result;
  };
  const statx = (fd: number, path: string, flags: number): Stat => {
    const out = Buffer.alloc(256);
    call('statx', 'int void* int uint void*', fd, text(path), flags, STATX_BASIC, out);
    return statOf(out);
  };

  return {
    enter(name) {
      call('chdir', 'void*', text(top));
      call('mkdir', 'void* uint', text(name), 0o755);
      call('chmod', 'void* uint', text(name), 0o755);
      call('chdir', 'void*', text(name));
    },
    chdir: (path) => void call('chdir', 'void*', text(path)),
    become(uid, gid, groups) {
      // Back to root first, who alone may become somebody else.
      call('setresuid', 'uint uint uint', 0xffffffff, 0, 0xffffffff);
      const list = Buffer.alloc(4 * groups.length);
      for (const [i, group] of groups.entries()) list.writeUInt32LE(group, 4 * i);
      call('setgroups', 'size_t void*', groups.length, list);
      call('setresgid', 'uint uint uint', 0xffffffff, gid, 0xffffffff);
      call('setresuid', 'uint uint uint', 0xffffffff, uid, 0xffffffff);
    },
    umask: (mask) => process.umask(mask),
    open: (path, flags, mode = 0) => call('open', 'void* int uint', text(path), flags, mode),
    close: (fd) => void call('close', 'int', fd),
    pread(fd, length, offset) {
      const out = Buffer.alloc(length);
      return out.toString('latin1', 0, call('pread', 'int void* size_t int64_t', fd, out, length, offset));
    },
    pwrite: (fd, data, offset) => call('pwrite', 'int void* size_t int64_t', fd, Buffer.from(data, 'latin1'), data.length, offset),
    write: (fd, data) => call('write', 'int void* size_t', fd, Buffer.from(data, 'latin1'), data.length),
    lseek: (fd, offset, whence) => call('lseek', 'int int64_t int', fd, offset, whence),
    truncate: (path, length) => void call('truncate', 'void* int64_t', text(path), length),
    ftruncate: (fd, length) => void call('ftruncate', 'int int64_t', fd, length),
    fsync: (fd) => void call('fsync', 'int', fd),
    fallocate: (fd, mode, offset, length) => void call('fallocate', 'int int int64_t int64_t', fd, mode, offset, length),
    copyFileRange(fromFd, fromOffset, toFd, toOffset, length) {
      const [from, to] = [Buffer.alloc(8), Buffer.alloc(8)];
      from.writeBigInt64LE(BigInt(fromOffset));
      to.writeBigInt64LE(BigInt(toOffset));
      return call('copy_file_range', 'int void* int void* size_t uint', fromFd, from, toFd, to, length, 0);
    },
    mkdir: (path, mode) => void call('mkdir', 'void* uint', text(path), mode),
    rmdir: (path) => void call('rmdir', 'void*', text(path)),
    unlink: (path) => void call('unlink', 'void*', text(path)),
    rename: (from, to) => void call('rename', 'void* void*', text(from), text(to)),
    rename2: (from, to, flags) => void call('renameat2', 'int void* int void* uint', AT_FDCWD, text(from), AT_FDCWD, text(to), flags),
    link: (from, to) => void call('linkat', 'int void* int void* int', AT_FDCWD, text(from), AT_FDCWD, text(to), 0),
    symlink: (target, path) => void call('symlink', 'void* void*', text(target), text(path)),
    readlink(path) {
      const out = Buffer.alloc(PAGE);
      return out.toString('latin1', 0, call('readlink', 'void* void* size_t', text(path), out, out.length));
    },
    mknod(path, mode, major = 0, minor = 0) {
      // As the C library packs it: <sys/sysmacros.h>.
      const device = BigInt(minor & 0xff) | (BigInt(major & 0xfff) << 8n) | (BigInt(minor & ~0xff) << 12n);
      call('mknod', 'void* uint uint64_t', text(path), mode, device);
    },
    bind(path) {
      const fd = call('socket', 'int int int', AF_UNIX, SOCK_STREAM, 0);
      try {
        const name = text(path);
        const address = Buffer.alloc(2 + name.length);
        address.writeUInt16LE(AF_UNIX);
        name.copy(address, 2);
        call('bind', 'int void* uint', fd, address, address.length);
      } finally {
        call('close', 'int', fd);
      }
    },
    chmod: (path, mode) => void call('chmod', 'void* uint', text(path), mode),
    fchmod: (fd, mode) => void call('fchmod', 'int uint', fd, mode),
    chown: (path, uid, gid) => void call('chown', 'void* uint uint', text(path), uid >>> 0, gid >>> 0),
    lchown: (path, uid, gid) => void call('lchown', 'void* uint uint', text(path), uid >>> 0, gid >>> 0),
    fchown: (fd, uid, gid) => void call('fchown', 'int uint uint', fd, uid >>> 0, gid >>> 0),
    utimens(path, atime, mtime, follow) {
      const times = Buffer.alloc(32);
      for (const [i, time] of [atime, mtime].entries()) writeTime(times, 16 * i, time);
      call('utimensat', 'int void* void* int', AT_FDCWD, text(path), times, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    },
    stat: (path) => statx(AT_FDCWD, path, 0),
    lstat: (path) => statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW),
    fstat: (fd) => statx(fd, '', AT_EMPTY_PATH),
    access: (path, mode) => void call('faccessat', 'int void* int int', AT_FDCWD, text(path), mode, 0x200),
    getdents(fd, room) {
      const out = Buffer.alloc(room);
      const length = call('getdents64', 'int void* size_t', fd, out, room);
      return entriesOf(out.subarray(0, length));
    },
    setxattr: (path, name, value, flags) =>
      void call('lsetxattr', 'void* void* void* size_t int', text(path), text(name), Buffer.from(value, 'latin1'), value.length, flags),
    getxattr(path, name) {
      const out = Buffer.alloc(65536);
      return out.toString('latin1', 0, call('lgetxattr', 'void* void* void* size_t', text(path), text(name), out, out.length));
    },
    listxattr(path) {
      const out = Buffer.alloc(65536);
      const length = call('llistxattr', 'void* void* size_t', text(path), out, out.length);
      return out.toString('latin1', 0, length).split('\0').slice(0, -1);
    },
    removexattr: (path, name) => void call('lremovexattr', 'void* void*', text(path), text(name)),
    mapWrite(fd, offset, data) {
      const start = offset - (offset % PAGE);
      const length = offset - start + data.length;
      const address = call('mmap', 'uintptr_t size_t int int int int64_t', 0, length, PROT_READ_WRITE, MAP_SHARED, fd, start);
      const copy = library.bind('memcpy', 'uintptr_t', ['uintptr_t', 'void*', 'size_t']);
      copy?.(address + (offset - start), Buffer.from(data, 'latin1'), data.length);
      call('msync', 'uintptr_t size_t int', address, length, MS_SYNC);
      call('munmap', 'uintptr_t size_t', address, length);
    },
  };
}

/** A path as C has it. */
function text(path: string): Buffer {
  return Buffer.from(`${path}\0`, 'latin1');
}

function writeTime(out: Buffer, at: number, time: TimeWord): void {
  const [seconds, nanoseconds] = time === 'now' ? [0, UTIME_NOW] : time === 'omit' ? [0, UTIME_OMIT] : time;
  out.writeBigInt64LE(BigInt(seconds), at);
  out.writeBigInt64LE(BigInt(nanoseconds), at + 8);
}

/** Fields of `struct statx`. */
function statOf(out: Buffer): Stat {
  const time = (at: number): Moment => [Number(out.readBigInt64LE(at)), out.readUInt32LE(at + 8)];
  return {
    nlink: out.readUInt32LE(16),
    uid: out.readUInt32LE(20),
    gid: out.readUInt32LE(24),
    mode: out.readUInt16LE(28),
    ino: Number(out.readBigUInt64LE(32)),
    size: Number(out.readBigUInt64LE(40)),
    blocks: Number(out.readBigUInt64LE(48)),
    atime: time(64),
    ctime: time(96),
    mtime: time(112),
    rdev: [out.readUInt32LE(128), out.readUInt32LE(132)],
  };
}

/** Records of `struct linux_dirent64`. */
function entriesOf(records: Buffer): DirEntry[] {
  const entries: DirEntry[] = [];
  for (let at = 0; at < records.length; at += records.readUInt16LE(at + 16)) {
    const end = records.indexOf(0, at + 19);
    entries.push({
      ino: Number(records.readBigUInt64LE(at)),
      next: Number(records.readBigInt64LE(at + 8)),
      name: records.toString('latin1', at + 19, end),
    });
  }
  return entries;
}
