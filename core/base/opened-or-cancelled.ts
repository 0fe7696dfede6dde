import { throwIfCancelled, VtError } from './errors.ts';
import { onAbort } from './on-abort.ts';

/**
 * Opens a resource. If the signal fires first, this rejects at once, and the resource is closed as soon as it has opened.
 *
 * @throws {VtError} ECANCELLED when the signal fires
 */
export async function openedOrCancelled<T extends AsyncDisposable>(open: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfCancelled(signal);
  return await new Promise((resolve, reject) => {
    let isCancelled = false;
    const release = onAbort(signal, () => {
      isCancelled = true;
      reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
    });
    open()
      .finally(release)
      .then((opened) => {
        if (isCancelled) void Promise.resolve(opened[Symbol.asyncDispose]()).catch(() => undefined);
        else resolve(opened);
      }, reject);
  });
}
