import type { Octets } from '../octets.ts';

/** An open file, or a path in bytes without a NUL. */
export type FileTarget = number | Uint8Array;

/** The numbers of a device. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/**
 * The system calls that Node lacks, all synchronous. Failures throw a SystemError with Node's codes. The code is ENOTSUP or ENOSYS if
 * the platform lacks the call.
 */
export interface LibcCalls {
  /** What this implementation cannot do, as text for users; empty if it can do everything. */
  readonly losses: readonly string[];

  /**
   * Locks or unlocks an open file (flock(2)). The lock belongs to the open file description, so a dead process holds none.
   *
   * @param nonBlocking - return false at once if another holds the lock; else wait, which blocks the thread
   * @returns whether it is held
   */
  flock(fd: number, operation: 'exclusive' | 'shared' | 'unlock', nonBlocking: boolean): boolean;

  /**
   * Sets times to the nanosecond (utimensat(2)).
   *
   * @param atimeNs - nanoseconds since 1970, may be negative; undefined leaves the time unchanged
   * @param followSymlink - false sets the times of a symlink itself; ignored for a descriptor
   */
  utimensNs(target: FileTarget, atimeNs: bigint | undefined, mtimeNs: bigint | undefined, followSymlink: boolean): void;

  /** Names of the extended attributes of a file or of a symlink itself; none if the filesystem has no extended attributes. */
  listXattrs(target: FileTarget): Octets[];
  /** A copy of an attribute's value, or undefined if it is absent. A symlink is not followed. */
  getXattr(target: FileTarget, name: Octets): Buffer | undefined;
  /** Creates or replaces an attribute. A symlink is not followed. */
  setXattr(target: FileTarget, name: Octets, value: Uint8Array): void;
  /** Removes an attribute. A missing one is no error. */
  removeXattr(target: FileTarget, name: Octets): void;

  /**
   * The offset of the first data at or after `offset`, or undefined if there is none before the end of the file. Moves the file's offset.
   */
  seekData(fd: number, offset: number): number | undefined;
  /**
   * The offset of the first hole at or after `offset`; the end of the file counts as a hole. Undefined past the end. Moves the file's
   * offset.
   */
  seekHole(fd: number, offset: number): number | undefined;

  /**
   * Makes a FIFO, socket or device (mknod(2)).
   *
   * @param mode - file type and permissions: 0o010644, …; the umask applies
   */
  makeNode(path: Uint8Array, mode: number, device: DeviceNumber): void;

  /** Seconds by which local time is ahead of UTC (localtime_r(3)) at whole seconds since 1970; undefined where it is unknown. */
  localOffset(seconds: number): number | undefined;

  /** Reserves disk space for bytes of a file, so that a full disk is reported now. No error if the filesystem cannot do that. */
  allocate(fd: number, offset: number, length: number): void;
  /** Replaces bytes of a file by a hole, which reads as NULs. False if the filesystem cannot. */
  punchHole(fd: number, offset: number, length: number): boolean;
  /**
   * The kernel's time for file timestamps, in nanoseconds since 1970: its last tick, a few milliseconds ago. Without libc, the current
   * time.
   */
  fileTimeNs(): bigint;
  /** Tells the kernel how bytes of a file will be read. Never fails. */
  advise(fd: number, offset: number, length: number, advice: 'sequential' | 'willneed' | 'dontneed'): void;
}
