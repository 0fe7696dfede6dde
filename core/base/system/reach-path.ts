import { closeSync, constants, openSync } from 'node:fs';
import type { Octets } from '../octets.ts';
import { pathBytes } from './system-error.ts';

const { O_DIRECTORY } = constants;
const O_PATH = 0o10000000; // Linux

/** The longest path that Linux accepts in one call: PATH_MAX, without the NUL. */
const MAX_PATH = 4095;

/** A path that system calls accept. It is valid until it is disposed of. */
export interface ReachedPath extends Disposable {
  readonly path: Octets;
  readonly bytes: Buffer;
}

/**
 * Makes a path of any length acceptable to system calls. If it is too long, directories on the way are opened, and the rest is named
 * relative to them. The last name is not resolved. On systems other than Linux, the path is returned unchanged.
 *
 * @throws SystemError if a directory on the way cannot be opened
 */
export function reachPath(path: Octets): ReachedPath {
  let fd: number | undefined;
  let rest = path;
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
  };
  while (rest.length > MAX_PATH && process.platform === 'linux') {
    const cut = rest.lastIndexOf('/', MAX_PATH);
    try {
      const inner = openSync(pathBytes(rest.slice(0, cut) as Octets), O_PATH | O_DIRECTORY);
      close();
      fd = inner;
    } catch (error) {
      close();
      throw error;
    }
    const next = `/proc/self/fd/${fd}/${rest.slice(cut + 1)}` as Octets;
    // A single name is too long. The system call on it will fail.
    if (next.length >= rest.length) break;
    rest = next;
  }
  return { path: rest, bytes: pathBytes(rest), [Symbol.dispose]: close };
}
