import { VtError } from '../base/errors.ts';
import { isFullError } from '../base/system/full-error.ts';
import { errorReason } from '../base/system/system-error.ts';

/** The error where a Store could not be written to. @param name - of the Store */
export function writeError(name: string, error: unknown): VtError {
  if (error instanceof VtError) return error;
  const full = isFullError(error);
  return new VtError(full ? 'EFULL' : 'EFAILED', `write to Store "${name}": ${errorReason(error)}`, {
    cause: error,
    ...(full ? { remedy: 'free space, also with gc --grace=0 after interrupted commands; then run the same command again' } : {}),
  });
}
