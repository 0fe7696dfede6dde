import type { Octets } from '../octets.ts';
import type { DeviceNumber } from './libc-calls.ts';
import type { NodeStat } from './node-stat.ts';

declare const cNameBrand: unique symbol;

/** One path element as a C string: bytes that end in NUL. */
export type CName = Uint8Array & { readonly [cNameBrand]: true };

/** Converts a path element for the calls below. It must not contain NUL. */
export function cName(name: Octets): CName {
  const bytes = Buffer.allocUnsafe(name.length + 1);
  bytes.write(name, 'latin1');
  bytes[name.length] = 0;
  return bytes as Uint8Array as CName;
}

/** How to open a file. Symlinks are never followed. */
export type OpenAtMode =
  | 'create' // for writing; must not exist
  | 'dir' // a directory, to read its entries
  | 'content' // a file, for reading; does not block on a FIFO, and leaves the access time unchanged if the system permits
  | 'node'; // any node, to refer to it in other calls; it cannot be read

/**
 * System calls on a name in an open directory. If somebody replaces a directory by a symlink meanwhile, the call still acts in the
 * directory that was opened. All calls are synchronous. Failures throw a SystemError whose `syscall` is the name of the C function.
 */
export interface AtCalls {
  open(dir: number, name: CName, mode: OpenAtMode): number;
  /** @param mode - permissions; the umask applies */
  mkdir(dir: number, name: CName, mode: number): void;
  /** Renames an entry. An existing entry named `to` is replaced, unless it is a directory. */
  rename(dir: number, from: CName, to: CName): void;
  /** Makes a hard link. A symlink is not followed. The new name must not exist. */
  link(fromDir: number, from: CName, toDir: number, to: CName): void;
  symlink(target: Uint8Array, dir: number, name: CName): void;
  readlink(dir: number, name: CName): Buffer;
  /** Removes an entry that is not a directory. A missing entry is no error. */
  unlink(dir: number, name: CName): void;
  /** Removes an empty directory. */
  rmdir(dir: number, name: CName): void;
  /** @param mode - file type and permissions; the umask applies to these */
  mknod(dir: number, name: CName, mode: number, device: DeviceNumber): void;
  /** The status of an entry, or undefined if there is none. A symlink is not followed. */
  stat(dir: number, name: CName): NodeStat | undefined;
  /** Sets the owner and group of an entry; -1 leaves one unchanged. A symlink is not followed. */
  chown(dir: number, name: CName, uid: number, gid: number): void;
  /** Sets the times of an entry. A symlink is not followed. @param times - a struct timespec[2], see timespecs */
  utimens(dir: number, name: CName, times: Uint8Array): void;
  /** As `chown`, for an open file. */
  fchown(fd: number, uid: number, gid: number): void;
  fchmod(fd: number, mode: number): void;
  futimens(fd: number, times: Uint8Array): void;
}
