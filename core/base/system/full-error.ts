import { errorCode } from './system-error.ts';

/** Whether an error, or one of its causes, is a full disk or quota. */
export function isFullError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  }
  return false;
}
