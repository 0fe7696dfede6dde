import type { Octets } from '../core/base/octets.ts';

/** A value now, or later: what is at hand is answered without a turn of the event loop. */
export type Maybe<T> = T | Promise<T>;

/** Continues with a value, at once where it is there. */
export function whenThere<T, R>(value: Maybe<T>, next: (value: T) => R): Maybe<Awaited<R>> | R {
  return value instanceof Promise ? (value.then(next) as Promise<Awaited<R>>) : next(value);
}

/** The ino of the top Dir of every mount. */
export const ROOT_INO = 1;

/** A moment: `seconds` since 1970, negative before, with 0 to 999,999,999 `nanoseconds` to be added. */
export interface Instant {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What stat(2) says about a node. */
export interface Attributes {
  /** Below 2^53; the same for all names of a node. */
  readonly ino: number;
  /** Bytes. */
  readonly size: number;
  /** Units of 512 bytes that are not holes. */
  readonly blocks: number;
  readonly atime: Instant;
  readonly mtime: Instant;
  readonly ctime: Instant;
  /** Type and permissions, as in `st_mode`. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Of devices, as the kernel packs them: 8 bits minor, 12 bits major, 12 bits more of minor. */
  readonly rdev: number;
  /** Some of it is not known yet: it is to be asked for again before anybody relies on it. */
  readonly provisional?: boolean;
}

/** What setattr is to change. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Bytes. */
  readonly size?: number;
  readonly atime?: Instant | 'now';
  readonly mtime?: Instant | 'now';
  readonly ctime?: Instant;
  /** The open file that it comes through. */
  readonly handle?: number;
  /** Setuid and setgid go, as after a write by somebody else. */
  readonly killSuidGid?: boolean;
}

/** The calling process. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** 0 where the kernel itself asks, or the process is not to be seen from here. */
  readonly pid: number;
  /** Fires when the client gives up waiting. */
  readonly signal: AbortSignal;
}

/** An open file or Dir. */
export interface Opened {
  readonly handle: number;
  /** The kernel may keep the pages that it has (the content is as it was at the last open), and the listing of a Dir. */
  readonly keepCache: boolean;
  /** Reads and writes pass the kernel's pages by: others write the file too, and its kernel would not learn its size. */
  readonly direct?: boolean;
}

/** One entry of a Dir listing. */
export interface ListedEntry {
  readonly name: Octets;
  readonly ino: number;
  /** The type bits of `st_mode`. */
  readonly mode: number;
  /** Where the listing continues after this entry: 1 or more, and true for every handle of the Dir. */
  readonly next: number;
  /** With attributes the kernel takes it as looked up, to be forgotten once more; absent for `.` and `..`. */
  readonly attributes?: Attributes;
}

/** Takes entries of a listing until it is full. @returns false where this entry found no room */
export type EntrySink = (entry: ListedEntry) => boolean;

/** What statfs(2) tells; sizes in units of `blockSize` bytes. */
export interface FilesystemSize {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly files: number;
  readonly freeFiles: number;
  /** Bytes of the longest name. */
  readonly nameMax: number;
}

/** renameat2(2). */
export const RENAME_NOREPLACE = 1;
/** renameat2(2). */
export const RENAME_EXCHANGE = 2;
/** renameat2(2): a character device 0:0 takes the old name at once. */
export const RENAME_WHITEOUT = 4;

/**
 * A filesystem as a kernel asks it: nodes by ino, files by handle. Errors are those of {@link FilesystemError}; any
 * other that is thrown means EIO, or for the system call's own error.
 *
 * A driver that gets a node's attributes by lookup, create, mknod, mkdir, symlink, link, tmpfile, or by a listing with
 * attributes, holds one lookup of it, which `forget` takes back.
 */
export interface Filesystem {
  /** @returns undefined where there is no such name: that is asked for so often that an error would cost too much */
  lookup(parent: number, name: Octets, caller: Caller): Maybe<Attributes | undefined>;
  forget(ino: number, lookups: number): void;
  getattr(ino: number, handle: number | undefined): Maybe<Attributes>;
  /** When a node was made; undefined where nobody knows. */
  birthTime(ino: number): Instant | undefined;
  setattr(ino: number, change: AttributeChange, caller: Caller): Maybe<Attributes>;
  readlink(ino: number): Maybe<Octets>;
  symlink(parent: number, name: Octets, target: Octets, caller: Caller): Maybe<Attributes>;
  /** @param umask - taken off the permissions where the Dir has no default access control list */
  mknod(parent: number, name: Octets, mode: number, umask: number, rdev: number, caller: Caller): Maybe<Attributes>;
  mkdir(parent: number, name: Octets, mode: number, umask: number, caller: Caller): Maybe<Attributes>;
  unlink(parent: number, name: Octets, caller: Caller): Maybe<void>;
  rmdir(parent: number, name: Octets, caller: Caller): Maybe<void>;
  /** @param flags - RENAME_EXCHANGE, or of RENAME_NOREPLACE and RENAME_WHITEOUT any */
  rename(parent: number, name: Octets, newParent: number, newName: Octets, flags: number, caller: Caller): Maybe<void>;
  link(ino: number, parent: number, name: Octets, caller: Caller): Maybe<Attributes>;

  /**
   * @param flags - of open(2)
   * @param killSuidGid - with O_TRUNC: setuid and setgid are to go
   */
  open(ino: number, flags: number, killSuidGid: boolean, caller: Caller): Maybe<Opened>;
  create(
    parent: number,
    name: Octets,
    mode: number,
    umask: number,
    flags: number,
    caller: Caller,
  ): Maybe<Opened & { readonly attributes: Attributes }>;
  /** A file without a name, in the Dir's filesystem. */
  tmpfile(parent: number, mode: number, umask: number, flags: number, caller: Caller): Maybe<Opened & { readonly attributes: Attributes }>;
  /** At most `size` bytes from `offset`; fewer only at the end. The pieces are valid until the next call. */
  read(ino: number, handle: number, offset: number, size: number, caller: Caller): Maybe<readonly Uint8Array[]>;
  /** Writes all of `data`, which is valid only until the call returns: an asynchronous consumer must copy it. */
  write(ino: number, handle: number, offset: number, data: Uint8Array, how: WriteHow, caller: Caller): Maybe<number>;
  /** Absent where each kernel keeps the locks of its own mount, which saves it a question at each close. */
  readonly locks?: LockOperations;
  /** After the last close. */
  release(ino: number, handle: number): Maybe<void>;
  fsync(ino: number, handle: number, dataOnly: boolean): Maybe<void>;
  fallocate(ino: number, handle: number, mode: number, offset: number, length: number, caller: Caller): Maybe<void>;
  /** @returns the offset of the next data or hole at or after `offset` */
  seek(ino: number, handle: number, offset: number, whence: 'data' | 'hole'): Maybe<number>;
  /** @returns bytes copied */
  copyRange(from: FileRange, to: Omit<FileRange, 'length'>, caller: Caller): Maybe<number>;

  opendir(ino: number, caller: Caller): Maybe<Opened>;
  /** Gives entries from `offset` (0, or a `next`) to the sink until it is full or the Dir at its end. @param plus - with attributes */
  readdir(ino: number, handle: number, offset: number, plus: boolean, sink: EntrySink, caller: Caller): Maybe<void>;
  releasedir(ino: number, handle: number): Maybe<void>;
  fsyncdir(ino: number, handle: number): Maybe<void>;

  statfs(ino: number): Maybe<FilesystemSize>;
  /** Every change so far is durable. */
  syncfs(): Maybe<void>;

  /** @returns undefined where there is none: `ls -l` asks so for every file */
  getxattr(ino: number, name: Octets, caller: Caller): Maybe<Uint8Array | undefined>;
  listxattr(ino: number, caller: Caller): Maybe<readonly Octets[]>;
  /** @param flags - XATTR_CREATE 1, XATTR_REPLACE 2, or 0 */
  setxattr(ino: number, name: Octets, value: Uint8Array, flags: number, caller: Caller): Maybe<void>;
  removexattr(ino: number, name: Octets, caller: Caller): Maybe<void>;
}

/** A lock of fcntl(2) on bytes of a file, or of flock(2) on the file as a whole. */
export interface FileLock {
  /** Read locks go together; a write lock goes with none. */
  readonly type: 'read' | 'write';
  /** The first byte and the last, which is 2^63 - 1 where the lock has no end. */
  readonly start: bigint;
  readonly last: bigint;
  /** The process that set it. */
  readonly pid: number;
}

/** What a process does to its locks. */
export interface LockChange extends Omit<FileLock, 'type'> {
  /** None: the lock goes. */
  readonly type: FileLock['type'] | 'none';
  /** Whose it is: with `record` of a process or of an open file, in words of the mount; with `whole` of the handle. */
  readonly extent: 'record' | 'whole';
  readonly owner: string;
}

/** Locks that a filesystem keeps for all its mounts. They go with the handle by which they were set, at its release. */
export interface LockOperations {
  /** @returns a lock of somebody else that is in the way */
  test(ino: number, wanted: LockChange): FileLock | undefined;
  /**
   * @param waits - until nothing is in the way; else that is EAGAIN
   * @throws FilesystemError EAGAIN; EDEADLK where it would wait for itself; EINTR where the caller gives up
   */
  set(ino: number, handle: number, wanted: LockChange, waits: boolean, caller: Caller): Maybe<void>;
  /** A process closes a descriptor of a file, and has no record locks on it from now on. Few ever had: only then it is asked who. */
  flush(ino: number, owner: () => string): void;
}

/** How a write comes. */
export interface WriteHow {
  /** From the kernel's page cache: the time of the write was set before. */
  readonly cached: boolean;
  /** Setuid and setgid are to go. */
  readonly killSuidGid: boolean;
  /** Opened with O_APPEND: it goes to where the file ends, whatever the offset, which another mount may have made stale. */
  readonly append: boolean;
}

/** A part of an open file. */
export interface FileRange {
  readonly ino: number;
  readonly handle: number;
  readonly offset: number;
  readonly length: number;
}
