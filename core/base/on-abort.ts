import { setMaxListeners } from 'node:events';

/**
 * Calls a listener when a signal fires. A signal may have any number of listeners, such as one for each request of a command.
 *
 * @returns a function that removes the listener
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
