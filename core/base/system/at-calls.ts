import type { Octets } from '../octets.ts';
import type { DeviceNumber } from './libc-calls.ts';
import type { NodeStat } from './node-stat.ts';

declare const cNameBrand: unique symbol;

/** One path element, in bytes that end in NUL, as C takes it. */
export type CName = Uint8Array & { readonly [cNameBrand]: true };

/** A path element for the calls below. It must hold no NUL. */
export function cName(name: Octets): CName {
  const bytes = Buffer.allocUnsafe(name.length + 1);
  bytes.write(name, 'latin1');
  bytes[name.length] = 0;
  return bytes as Uint8Array as CName;
}

/** How a new or existing file is opened; symlinks are never followed. */
export type OpenAtMode =
  | 'create' // for writing; must not exist
  | 'dir' // a directory, for what is in it
  | 'content' // a file to read: without waiting at a FIFO, and without a new access time where the system lets us
  | 'node'; // anything that exists, to name it in other calls, not to read it

/**
 * System calls on a name in an open directory: one that somebody swaps for a symlink meanwhile leads nowhere else.
 * All are synchronous; failures throw a SystemError, `call` being the name in C.
 */
export interface AtCalls {
  open(dir: number, name: CName, mode: OpenAtMode): number;
  /** @param mode - permissions; the umask applies */
  mkdir(dir: number, name: CName, mode: number): void;
  /** Replaces what is there, but a directory. */
  rename(dir: number, from: CName, to: CName): void;
  /** Makes another name for a file; a symlink is linked itself. The new name must not exist. */
  link(fromDir: number, from: CName, toDir: number, to: CName): void;
  symlink(target: Uint8Array, dir: number, name: CName): void;
  readlink(dir: number, name: CName): Buffer;
  /** Removes a name that is no directory; silent where it is absent. */
  unlink(dir: number, name: CName): void;
  /** Removes an empty directory. */
  rmdir(dir: number, name: CName): void;
  /** @param mode - file type and permissions; the umask applies to these */
  mknod(dir: number, name: CName, mode: number, device: DeviceNumber): void;
  /** undefined where there is no such name. */
  stat(dir: number, name: CName): NodeStat | undefined;
  /** Sets the owner of a node itself; -1 leaves one as it is. */
  chown(dir: number, name: CName, uid: number, gid: number): void;
  /** Sets the times of a node itself. @param times - a struct timespec[2], see timespecs */
  utimens(dir: number, name: CName, times: Uint8Array): void;
  /** As chown, of an open file. */
  fchown(fd: number, uid: number, gid: number): void;
  fchmod(fd: number, mode: number): void;
  futimens(fd: number, times: Uint8Array): void;
}
