import type { Octets } from '../core/base/octets.ts';

/** A value, or a promise of one: a value at hand is answered without a turn of the event loop. */
export type Maybe<T> = T | Promise<T>;

/** Calls `next` with a value: at once if it is at hand, else when the promise resolves. */
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

/** What stat(2) reports of a node. */
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
  /** Device number, as the kernel packs it: 8 bits minor, 12 bits major, 12 more bits of minor. */
  readonly rdev: number;
  /** Some attributes are not known yet: request them again before relying on them. */
  readonly provisional?: boolean;
}

/** The changes of a setattr. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Bytes. */
  readonly size?: number;
  readonly atime?: Instant | 'now';
  readonly mtime?: Instant | 'now';
  readonly ctime?: Instant;
  /** Handle of the open file through which the change comes. */
  readonly handle?: number;
  /** Setuid and setgid are to be removed, as after a write by another user. */
  readonly killSuidGid?: boolean;
}

/** The calling process. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** 0 for the kernel's own requests, and for processes that are not visible in this PID namespace. */
  readonly pid: number;
  /** Fires when the client gives up waiting. */
  readonly signal: AbortSignal;
}

/** An open file or Dir. */
export interface Opened {
  readonly handle: number;
  /** The kernel may keep its cached pages of a file, unchanged since the last open, or its cached listing of a Dir. */
  readonly keepCache: boolean;
  /** Reads and writes bypass the kernel's page cache: others write the file too, and the kernel would not learn its size. */
  readonly direct?: boolean;
}

/** One entry of a Dir listing. */
export interface ListedEntry {
  readonly name: Octets;
  readonly ino: number;
  /** The type bits of `st_mode`. */
  readonly mode: number;
  /** Offset at which the listing continues after this entry: 1 or more, and valid for every handle of the Dir. */
  readonly next: number;
  /** If present, the entry counts as one lookup, which the kernel forgets later. Absent for `.` and `..`. */
  readonly attributes?: Attributes;
}

/** Takes entries of a listing until it is full. @returns false if there was no room for this entry */
export type EntrySink = (entry: ListedEntry) => boolean;

/** What statfs(2) reports; sizes in units of `blockSize` octets. */
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
/** renameat2(2): in the same step, a character device 0:0 is created at the old name. */
export const RENAME_WHITEOUT = 4;

/**
 * A filesystem as a kernel uses it: nodes by ino, files by handle. Errors are those of {@link FilesystemError}; any
 * other thrown error is EIO, or the errno of the system call that failed.
 *
 * A driver that gets a node's attributes by lookup, create, mknod, mkdir, symlink, link, tmpfile, or by a listing with
 * attributes, holds one lookup of it, which `forget` releases.
 */
export interface Filesystem {
  /** @returns undefined if the name does not exist: this is so frequent that an error would cost too much */
  lookup(parent: number, name: Octets, caller: Caller): Maybe<Attributes | undefined>;
  forget(ino: number, lookups: number): void;
  getattr(ino: number, handle: number | undefined): Maybe<Attributes>;
  /** Creation time of a node; undefined if it is not known. */
  birthTime(ino: number): Instant | undefined;
  setattr(ino: number, change: AttributeChange, caller: Caller): Maybe<Attributes>;
  readlink(ino: number): Maybe<Octets>;
  symlink(parent: number, name: Octets, target: Octets, caller: Caller): Maybe<Attributes>;
  /** @param umask - removed from the permissions unless the Dir has a default access control list */
  mknod(parent: number, name: Octets, mode: number, umask: number, rdev: number, caller: Caller): Maybe<Attributes>;
  mkdir(parent: number, name: Octets, mode: number, umask: number, caller: Caller): Maybe<Attributes>;
  unlink(parent: number, name: Octets, caller: Caller): Maybe<void>;
  rmdir(parent: number, name: Octets, caller: Caller): Maybe<void>;
  /** @param flags - RENAME_EXCHANGE, or any of RENAME_NOREPLACE and RENAME_WHITEOUT */
  rename(parent: number, name: Octets, newParent: number, newName: Octets, flags: number, caller: Caller): Maybe<void>;
  link(ino: number, parent: number, name: Octets, caller: Caller): Maybe<Attributes>;

  /**
   * @param flags - of open(2)
   * @param killSuidGid - with O_TRUNC: setuid and setgid are to be removed
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
  /** Absent if each kernel keeps the locks of its own mount, which saves a request at each close. */
  readonly locks?: LockOperations;
  /** Called after the last close. */
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
  /** Makes every change so far durable. */
  syncfs(): Maybe<void>;

  /** @returns undefined if there is no such xattr: `ls -l` requests some for every file */
  getxattr(ino: number, name: Octets, caller: Caller): Maybe<Uint8Array | undefined>;
  listxattr(ino: number, caller: Caller): Maybe<readonly Octets[]>;
  /** @param flags - XATTR_CREATE 1, XATTR_REPLACE 2, or 0 */
  setxattr(ino: number, name: Octets, value: Uint8Array, flags: number, caller: Caller): Maybe<void>;
  removexattr(ino: number, name: Octets, caller: Caller): Maybe<void>;
}

/** A lock of fcntl(2) on bytes of a file, or of flock(2) on the file as a whole. */
export interface FileLock {
  /** Read locks may overlap each other; a write lock excludes all others. */
  readonly type: 'read' | 'write';
  /** The first byte and the last, which is 2^63 - 1 where the lock has no end. */
  readonly start: bigint;
  readonly last: bigint;
  /** The process that set it. */
  readonly pid: number;
}

/** A change that a process makes to its locks. */
export interface LockChange extends Omit<FileLock, 'type'> {
  /** `none` releases the lock. */
  readonly type: FileLock['type'] | 'none';
  /** The owner's kind. `record`: a process or an open file, as the mount names it. `whole`: the handle. */
  readonly extent: 'record' | 'whole';
  readonly owner: string;
}

/** Locks that a filesystem keeps for all its mounts. They are released with the handle by which they were set. */
export interface LockOperations {
  /** @returns a conflicting lock of another owner */
  test(ino: number, wanted: LockChange): FileLock | undefined;
  /**
   * @param waits - waits for conflicting locks to be released; otherwise a conflict is EAGAIN
   * @throws FilesystemError EAGAIN; EDEADLK if it would wait for itself; EINTR if the caller gives up
   */
  set(ino: number, handle: number, wanted: LockChange, waits: boolean, caller: Caller): Maybe<void>;
  /** A process closes a descriptor of a file, which drops its record locks on it. `owner` is called only if the file has record locks. */
  flush(ino: number, owner: () => string): void;
}

/** The circumstances of a write. */
export interface WriteHow {
  /** From the kernel's page cache: its time was set earlier. */
  readonly cached: boolean;
  /** Setuid and setgid are to be removed. */
  readonly killSuidGid: boolean;
  /** Opened with O_APPEND: data goes to the end of the file. The offset is ignored, as another mount may have made it stale. */
  readonly append: boolean;
}

/** A part of an open file. */
export interface FileRange {
  readonly ino: number;
  readonly handle: number;
  readonly offset: number;
  readonly length: number;
}
