import { writeSync } from 'node:fs';
import { errorCode } from '../../core/base/system/system-error.ts';

/**
 * Writes all bytes, in as many system calls as necessary. On a pipe that another process made non-blocking it waits for the
 * reader, as a write to any other pipe does.
 *
 * @throws the system's error: EPIPE if the reader has closed
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

/** Writes to stderr; errors are ignored. */
export function writeStderr(text: string): void {
  try {
    writeWhole(2, Buffer.from(text));
  } catch {
    // The reader has closed.
  }
}

/** Waits a moment: without poll(2) there is no notice of room in a full pipe. */
function waitBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}
