import { POLL, pollDescriptor } from './poll.ts';

/** How a wait ended: more can be written, the time is over, or `called`: a signal came, whose listener runs once the event loop turns. */
export type WaitEnd = 'room' | 'full' | 'called';

/** Milliseconds to wait if the C library cannot be called. */
const PAUSE_MS = 2;

/**
 * Waits until a pipe, a socket or a terminal accepts more bytes. Blocks the whole thread.
 *
 * @param ms - milliseconds to wait at most; less than 0 for no limit
 */
export function waitWritable(fd: number, ms: number): WaitEnd {
  const events = pollDescriptor(fd, POLL.out, ms);
  if (events === undefined) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return 'full';
  }
  if (events === 'called') return 'called';
  // A closed reader counts as room. The write then fails.
  return events === 0 ? 'full' : 'room';
}
