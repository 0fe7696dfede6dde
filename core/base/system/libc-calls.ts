import type { Octets } from '../octets.ts';

/** An open file, or a path in bytes without a NUL. */
export type FileTarget = number | Uint8Array;

/** A device's numbers. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/**
 * The system calls that Node lacks, all synchronous. Failures throw a SystemError with Node's codes; where the
 * platform lacks a call, its code is ENOTSUP (ENOSYS where the kernel says so).
 */
export interface LibcCalls {
  /** What this implementation cannot do, for people; empty where nothing is lost. */
  readonly losses: readonly string[];

  /**
   * Locks or unlocks an open file (flock(2)); the lock goes with the open file description, so a dead process holds none.
   *
   * @param nonBlocking - give false at once where another holds it; else wait, which stops the whole thread
   * @returns whether it is held
   */
  flock(fd: number, operation: 'exclusive' | 'shared' | 'unlock', nonBlocking: boolean): boolean;

  /**
   * Sets times to the nanosecond (utimensat(2)).
   *
   * @param atimeNs - nanoseconds since 1970 with sign; undefined leaves it
   * @param followSymlink - false sets the times of a symlink itself; of no account for a descriptor
   */
  utimensNs(target: FileTarget, atimeNs: bigint | undefined, mtimeNs: bigint | undefined, followSymlink: boolean): void;

  /** Names of the extended attributes of a file or of a symlink itself; none where the filesystem has no such thing. */
  listXattrs(target: FileTarget): Octets[];
  /** An attribute's value, copied, or undefined where it is absent. A symlink is not followed. */
  getXattr(target: FileTarget, name: Octets): Buffer | undefined;
  /** Creates or replaces an attribute. A symlink is not followed. */
  setXattr(target: FileTarget, name: Octets, value: Uint8Array): void;
  /** Removes an attribute; silent where it is absent. */
  removeXattr(target: FileTarget, name: Octets): void;

  /** The first data at or after `offset`, or undefined where there is none up to the end of the file. Moves the file's offset. */
  seekData(fd: number, offset: number): number | undefined;
  /** The first hole at or after `offset`; the end of the file counts as one. undefined past the end. Moves the file's offset. */
  seekHole(fd: number, offset: number): number | undefined;

  /**
   * Makes a FIFO, socket or device (mknod(2)).
   *
   * @param mode - file type and permissions: 0o010644, …; the umask applies
   */
  makeNode(path: Uint8Array, mode: number, device: DeviceNumber): void;

  /** Seconds by which local time is ahead of UTC (localtime_r(3)) at whole seconds since 1970; undefined where it is unknown. */
  localOffset(seconds: number): number | undefined;

  /** Reserves room for a file's bytes, so that ENOSPC comes now; silent where the filesystem cannot. */
  allocate(fd: number, offset: number, length: number): void;
  /** Deallocates bytes of a file: a hole, which reads as NUL. False where the filesystem cannot. */
  punchHole(fd: number, offset: number, length: number): boolean;
  /** The time by which the kernel stamps files, ns since 1970: that of its last tick, a few milliseconds ago. Without libc, of now. */
  fileTimeNs(): bigint;
  /** Tells the kernel how the file will be read; never fails. */
  advise(fd: number, offset: number, length: number, advice: 'sequential' | 'willneed' | 'dontneed'): void;
}
