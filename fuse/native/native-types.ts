// What is used of the package fuse-native 2.2.6, which has no declarations of its own.

/** Answers an operation: 0 or a byte count, or a negative errno; then its result. */
export type Answer<T = undefined> = (status: number, result?: T) => void;

export interface NativeStat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly dev: number;
  readonly nlink: number;
  readonly ino: number;
  readonly rdev: number;
  readonly blksize: number;
  readonly blocks: number;
  /** Milliseconds since 1970. */
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

export interface NativeStatfs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly favail: number;
  readonly namemax: number;
}

/** The operations, by path. Those that take memory of the library give it back with the answer. */
export interface NativeOperations {
  statfs(path: string, answer: Answer<NativeStatfs>): void;
  getattr(path: string, answer: Answer<NativeStat>): void;
  readdir(path: string, answer: Answer<readonly string[]>): void;
  readlink(path: string, answer: Answer<string>): void;
  truncate(path: string, size: number, answer: Answer): void;
  ftruncate(path: string, fd: number, size: number, answer: Answer): void;
  /** Times in milliseconds since 1970. */
  utimens(path: string, atime: number, mtime: number, answer: Answer): void;
  chown(path: string, uid: number, gid: number, answer: Answer): void;
  chmod(path: string, mode: number, answer: Answer): void;
  mknod(path: string, mode: number, device: number, answer: Answer): void;
  mkdir(path: string, mode: number, answer: Answer): void;
  symlink(target: string, path: string, answer: Answer): void;
  link(path: string, newPath: string, answer: Answer): void;
  rename(path: string, newPath: string, answer: Answer): void;
  unlink(path: string, answer: Answer): void;
  rmdir(path: string, answer: Answer): void;
  open(path: string, flags: number, answer: Answer<number>): void;
  create(path: string, mode: number, answer: Answer<number>): void;
  read(path: string, fd: number, buffer: Buffer, length: number, offset: number, answer: Answer): void;
  write(path: string, fd: number, buffer: Buffer, length: number, offset: number, answer: Answer): void;
  release(path: string, fd: number, answer: Answer): void;
  fsync(path: string, dataOnly: boolean, fd: number, answer: Answer): void;
  fsyncdir(path: string, dataOnly: boolean, fd: number, answer: Answer): void;
  setxattr(path: string, name: string, value: Buffer, position: number, flags: number, answer: Answer): void;
  getxattr(path: string, name: string, position: number, answer: Answer<Buffer>): void;
  listxattr(path: string, answer: Answer<readonly string[]>): void;
  removexattr(path: string, name: string, answer: Answer): void;
}

export interface NativeOptions {
  readonly fsname: string;
  readonly subtype: string;
  readonly allowOther: boolean;
  readonly defaultPermissions: boolean;
  /** Milliseconds that an operation may take; false: as long as it takes. */
  readonly timeout: false;
}

export type Signal = (status: number, ...results: unknown[]) => void;
