// Numbers of the FUSE kernel interface, version 7.39 and before: <linux/fuse.h>, fuse(4).

/** Version of this driver; a newer kernel falls back to it. */
export const FUSE_MAJOR = 7;
/** See {@link FUSE_MAJOR}. */
export const FUSE_MINOR = 39;

/** Bytes of a request's header. */
export const IN_HEADER_SIZE = 40;
/** Bytes of a reply's header. */
export const OUT_HEADER_SIZE = 16;
/** Bytes of `fuse_attr`. */
export const ATTR_SIZE = 88;
/** Bytes of `fuse_statx_out`. */
export const STATX_OUT_SIZE = 288;
/** Bytes of `fuse_entry_out`. */
export const ENTRY_SIZE = 40 + ATTR_SIZE;
/** Bytes of content in one request, at most: what the kernel allows without a change of its limits. */
export const MAX_TRANSFER_SIZE = 1024 * 1024;
/** Bytes of `fuse_write_in`, after the header. */
export const WRITE_IN_SIZE = 40;

/** Operation codes of the kernel's requests. */
export const OP = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SYNCFS: 50,
  TMPFILE: 51,
  STATX: 52,
} as const;

/** Features that the driver and the kernel negotiate in FUSE_INIT: bits of `flags`. */
export const INIT = {
  ASYNC_READ: 1 << 0,
  POSIX_LOCKS: 1 << 1,
  ATOMIC_O_TRUNC: 1 << 3,
  EXPORT_SUPPORT: 1 << 4,
  BIG_WRITES: 1 << 5,
  DONT_MASK: 1 << 6,
  FLOCK_LOCKS: 1 << 10,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  WRITEBACK_CACHE: 1 << 16,
  NO_OPEN_SUPPORT: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  POSIX_ACL: 1 << 20,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  HANDLE_KILLPRIV_V2: 1 << 28,
  SETXATTR_EXT: 1 << 29,
} as const;

/** Fields of a setattr request that count: bits of `valid`. */
export const FATTR = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  CTIME: 1 << 10,
  KILL_SUIDGID: 1 << 11,
} as const;

/** Bits of a reply to OPEN and OPENDIR. */
export const FOPEN = { DIRECT_IO: 1 << 0, KEEP_CACHE: 1 << 1, CACHE_DIR: 1 << 3 } as const;

/** Bit of `open_flags` of a request: setuid and setgid are removed with the content. */
export const OPEN_KILL_SUIDGID = 1 << 0;

/** Bits of `write_flags`. */
export const WRITE = { CACHE: 1 << 0, KILL_SUIDGID: 1 << 2 } as const;

/** Bit of `getattr_flags`: the request has a handle. */
export const GETATTR_FH = 1;

/** What a `fuse_statx` holds: bits of `mask`, of statx(2). */
export const STATX = { BASIC_STATS: 0x7ff, BTIME: 0x800 } as const;

/** Bit of `lk_flags`: a lock of flock(2). */
export const LOCK_FLOCK = 1;

/** Codes of messages that the driver sends unasked. */
export const NOTIFY = { INVAL_INODE: 2, INVAL_ENTRY: 3, STORE: 4, DELETE: 6 } as const;
