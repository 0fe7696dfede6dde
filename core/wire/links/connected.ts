import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import { errorCode } from '../../base/system/system-error.ts';

/** Milliseconds in which a socket must connect. */
const CONNECT_MS = 30_000;
/** Milliseconds before the next attempt if the server's queue is full: the first pause, and the longest. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/** A connecting socket, and its link. */
interface Connecting {
  readonly socket: Socket;
}

/**
 * Waits until a socket is connected. A UNIX socket answers EAGAIN while the queue of its server is full, which says that
 * many clients connect at the same moment: this tries again.
 *
 * @param make - makes a new socket and starts to connect it
 * @param event - the event that the socket emits once it can be used
 * @param limitMs - milliseconds for all attempts
 * @throws the system's error; {VtError} EOPEN if there is no answer in time, ECANCELLED if the signal fires
 */
export async function connected<T extends Connecting>(
  make: () => T,
  event: 'connect' | 'secureConnect',
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
  limitMs = CONNECT_MS,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    throwIfCancelled(signal);
    try {
      return await once(make(), event, signal, end - performance.now(), limitMs);
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN' || performance.now() + wait > end) throw error;
    }
    // If the signal ends the pause, the check above reports it.
    await pause(wait, undefined, signal && { signal }).catch(() => undefined);
  }
}

async function once<T extends Connecting>(
  made: T,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal | undefined,
  leftMs: number,
  limitMs: number,
): Promise<T> {
  const { socket } = made;
  return await new Promise<T>((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      socket.off('error', fail);
    };
    const fail = (error: unknown): void => {
      settle();
      // Ignore later errors of the broken socket.
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const cancel = (): void => fail(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
    const timer = setTimeout(() => fail(new VtError('EOPEN', `no answer in ${limitMs / 1000} s`)), leftMs);
    signal?.addEventListener('abort', cancel, { once: true });
    socket.once('error', fail);
    socket.once(event, () => {
      settle();
      resolve(made);
    });
  });
}
