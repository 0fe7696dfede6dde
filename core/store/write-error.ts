import { VtError } from '../base/errors.ts';
import { errorCode, errorReason } from '../base/system-error.ts';

/** What is told where a Store could not be written to. @param name - of the Store */
export function writeError(name: string, error: unknown): VtError {
  if (error instanceof VtError) return error;
  const code = errorCode(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new VtError(full ? 'EFULL' : 'EFAILED', `write to Store "${name}": ${errorReason(error)}`, {
    cause: error,
    ...(full ? { remedy: 'free some space and run the same command again' } : {}),
  });
}
