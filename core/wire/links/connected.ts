import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import { errorCode } from '../../base/system/system-error.ts';

/** Milliseconds in which a socket must answer. */
const CONNECT_MS = 30_000;
/** Milliseconds before a server whose queue is full is asked again: the first pause, and the longest. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/** A socket on its way to a server, and what goes with it. */
interface Connecting {
  readonly socket: Socket;
}

/**
 * Waits until a socket is connected. A UNIX socket answers EAGAIN while the queue of its server is full, which says that
 * many others came at the same moment: it is asked again.
 *
 * @param make - makes a socket that is being connected
 * @param event - what the socket tells once it can be used
 * @param limitMs - milliseconds for all of it
 * @throws the error of the system; {VtError} EOPEN without an answer in time; ECANCELLED
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
    // A signal that ends the pause is told of above.
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
      // What a broken socket says later is of no use to anybody.
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
