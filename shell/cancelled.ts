import { VtError } from '../core/base/errors.ts';

/** The error of a command whose signal has fired. */
export function cancelled(signal: AbortSignal): VtError {
  return signal.reason instanceof VtError ? signal.reason : new VtError('ECANCELLED', 'cancelled', { cause: signal.reason });
}

/** @throws {VtError} ECANCELLED if the signal has fired */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal);
}

/** Whether an error reports a fired signal. */
export function isCancelled(error: unknown): boolean {
  return error instanceof VtError && error.code === 'ECANCELLED';
}
