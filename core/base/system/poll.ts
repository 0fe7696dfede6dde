import { constants } from 'node:os';
import { nativeLibrary } from './libc.ts';
import type { NativeFunction } from './libc-native.ts';

/** Bits of poll.h, the same on Linux and macOS. */
export const POLL = { out: 4, error: 8, hangUp: 16 } as const;

/** Bytes of a struct pollfd: descriptor, requested events, events that have occurred. */
const POLLFD_SIZE = 8;

let poll: NativeFunction | undefined;

/**
 * Polls one descriptor, as poll(2) does. Blocks the whole thread.
 *
 * @param events - bits of {@link POLL}; `error` and `hangUp` are reported anyway
 * @param ms - milliseconds to wait at most; less than 0 for no limit
 * @returns the events that have occurred, 0 if none did in time, or `called` if a signal came: its listener runs once the event loop turns.
 *   Undefined if the C library cannot be called
 */
export function pollDescriptor(fd: number, events: number, ms: number): number | 'called' | undefined {
  const library = nativeLibrary();
  poll ??= library?.bind('poll', 'int', ['void *', process.platform === 'darwin' ? 'uint32_t' : 'uint64_t', 'int']);
  if (library === undefined || poll === undefined) return undefined;
  const asked = Buffer.alloc(POLLFD_SIZE);
  asked.writeInt32LE(fd, 0);
  asked.writeInt16LE(events, 4);
  const ready = poll(asked, 1, ms);
  if (ready > 0) return asked.readInt16LE(6);
  return ready < 0 && library.errno() === constants.errno.EINTR ? 'called' : 0;
}

/**
 * Whether the other end of a connection is closed. Unlike the end of the input, the system reports this also while bytes wait to be read.
 * An end that has only stopped sending is still there.
 */
export function hasHungUp(fd: number): boolean {
  const events = pollDescriptor(fd, 0, 0);
  return typeof events === 'number' && (events & (POLL.error | POLL.hangUp)) !== 0;
}
