import { setMaxListeners } from 'node:events';

/**
 * Calls a listener when a signal fires. Any number may wait for one signal, as the requests of one command do.
 *
 * @returns what takes the listener away again
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
