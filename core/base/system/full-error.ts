import { errorCode } from './system-error.ts';

/** Whether an error, or what caused it, is that a disk or a quota is full. */
export function isFullError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  }
  return false;
}
