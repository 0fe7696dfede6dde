import { VtError } from '../core/base/errors.ts';

/** The error of a command whose signal has fired. */
export function cancelled(signal: AbortSignal): VtError {
  return signal.reason instanceof VtError ? signal.reason : new VtError('ECANCELLED', 'cancelled', { cause: signal.reason });
}

/** @throws the error of a cancelled command, where its signal has fired */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal);
}

/** Whether an error says that a signal has fired. */
export function isCancelled(error: unknown): boolean {
  return error instanceof VtError && error.code === 'ECANCELLED';
}
