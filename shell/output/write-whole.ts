import { writeSync } from 'node:fs';
import { errorCode } from '../../core/base/system/system-error.ts';

/**
 * Writes all of some bytes, in as many system calls as it takes. At a pipe that somebody made non-blocking it waits for the
 * reader, as a write to any other pipe does.
 *
 * @throws what the system says: EPIPE where nobody reads any more
 */
export function writeWhole(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) {
    try {
      done += writeSync(fd, data, done);
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
      waitBriefly();
    }
  }
}

/** Writes to stderr; where nobody is there to read it, nothing happens. */
export function writeStderr(text: string): void {
  try {
    writeWhole(2, Buffer.from(text));
  } catch {
    // Nobody is there.
  }
}

/** A pipe that is full tells nobody when it has room: there is nothing to wait on but time. */
function waitBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}
