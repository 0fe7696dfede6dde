import { readSync } from 'node:fs';

/**
 * Fills `target` with the bytes of an open file from `offset` on.
 *
 * @returns bytes read; fewer than asked for only at the end of the file
 */
export function readFully(fd: number, target: Uint8Array, offset: number): number {
  let done = 0;
  while (done < target.length) {
    const count = readSync(fd, target, done, target.length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
