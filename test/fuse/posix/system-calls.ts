/** A moment: seconds since 1970, negative before, and nanoseconds to be added. */
export type Moment = readonly [seconds: number, nanoseconds: number];

/** What to set a time to: a moment, now, or as it is. */
export type TimeWord = Moment | 'now' | 'omit';

/** What stat(2) tells. */
export interface Stat {
  readonly ino: number;
  /** Type and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Units of 512 octets. */
  readonly blocks: number;
  readonly rdev: readonly [major: number, minor: number];
  readonly atime: Moment;
  readonly mtime: Moment;
  readonly ctime: Moment;
}

/** One entry as getdents(2) gives it. */
export interface DirEntry {
  readonly name: string;
  readonly ino: number;
  /** Where lseek(2) goes on after it. */
  readonly next: number;
}

/**
 * The system calls that the checks use. Paths and names are octets as in `Octets`, relative to the folder of the case;
 * content is octets as text too. Whatever fails throws a {@link CallError}.
 */
export interface SystemCalls {
  /** Makes a folder at the top and goes there; whoever is known goes on to be. */
  enter(name: string): void;
  chdir(path: string): void;
  /** Acts as somebody from now on; 0, 0 is root. */
  become(uid: number, gid: number, groups: readonly number[]): void;
  umask(mask: number): number;
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  pread(fd: number, length: number, offset: number): string;
  pwrite(fd: number, data: string, offset: number): number;
  /** At the descriptor's own offset. */
  write(fd: number, data: string): number;
  lseek(fd: number, offset: number, whence: number): number;
  truncate(path: string, length: number): void;
  ftruncate(fd: number, length: number): void;
  fsync(fd: number): void;
  fallocate(fd: number, mode: number, offset: number, length: number): void;
  copyFileRange(fromFd: number, fromOffset: number, toFd: number, toOffset: number, length: number): number;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  /** renameat2(2). */
  rename2(from: string, to: string, flags: number): void;
  link(from: string, to: string): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  /** With the type in the mode; of devices their number. */
  mknod(path: string, mode: number, major?: number, minor?: number): void;
  /** Binds a UNIX socket. */
  bind(path: string): void;
  chmod(path: string, mode: number): void;
  fchmod(fd: number, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  lchown(path: string, uid: number, gid: number): void;
  fchown(fd: number, uid: number, gid: number): void;
  utimens(path: string, atime: TimeWord, mtime: TimeWord, follow: boolean): void;
  stat(path: string): Stat;
  lstat(path: string): Stat;
  fstat(fd: number): Stat;
  access(path: string, mode: number): void;
  /** One call of getdents(2) with room for so many octets; empty at the end. */
  getdents(fd: number, room: number): readonly DirEntry[];
  setxattr(path: string, name: string, value: string, flags: number): void;
  getxattr(path: string, name: string): string;
  listxattr(path: string): readonly string[];
  removexattr(path: string, name: string): void;
  /** Changes octets through a shared mapping, and says so with msync(2). */
  mapWrite(fd: number, offset: number, data: string): void;
}

/** The name of a call. */
export type CallName = keyof SystemCalls;

/** A system call that failed. */
export class CallError extends Error {
  /** As `ENOENT`. */
  readonly errno: string;

  constructor(call: string, errno: string) {
    super(`${call}: ${errno}`);
    this.errno = errno;
  }
}

/** Whoever makes system calls on a filesystem. */
export interface Caller {
  call<K extends CallName>(name: K, ...args: Parameters<SystemCalls[K]>): Promise<ReturnType<SystemCalls[K]>>;
  /** Whether a kernel stands between, which knows of users, descriptors' rights and running programs. */
  readonly hasKernel: boolean;
}
