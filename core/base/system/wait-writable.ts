import { constants } from 'node:os';
import { nativeLibrary } from './libc.ts';
import type { NativeFunction } from './libc-native.ts';

/** How a wait for room ended: `called` where a signal came, whose listener runs once the event loop turns. */
export type WaitEnd = 'room' | 'full' | 'called';

/** POLLOUT of Linux and macOS (poll.h). */
const POLLOUT = 4;
/** A struct pollfd: a descriptor, what is asked, what is so. */
const POLLFD_SIZE = 8;
/** Where the C library cannot be called. */
const PAUSE_MS = 2;

let poll: NativeFunction | undefined;

/**
 * Waits until a pipe, a socket or a terminal takes more, as poll(2) does. Blocks the whole thread.
 *
 * @param ms - at most so long; less than 0 for as long as it takes
 */
export function waitWritable(fd: number, ms: number): WaitEnd {
  const library = nativeLibrary();
  poll ??= library?.bind('poll', 'int', ['void *', process.platform === 'darwin' ? 'uint32_t' : 'uint64_t', 'int']);
  if (library === undefined || poll === undefined) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return 'full';
  }
  const asked = Buffer.alloc(POLLFD_SIZE);
  asked.writeInt32LE(fd, 0);
  asked.writeInt16LE(POLLOUT, 4);
  const ready = poll(asked, 1, ms);
  // A closed reader counts as room: the write then fails.
  if (ready > 0) return 'room';
  return ready < 0 && library.errno() === constants.errno.EINTR ? 'called' : 'full';
}
