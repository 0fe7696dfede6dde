import { errorCode } from '../base/system/system-error.ts';

/** Whether a node could not be read because something else is under its name now: no directory, or a symlink. */
export function isReplaced(error: unknown): boolean {
  return ['ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
}

/** The same in words for people: what the system says is of paths, and there is none. */
export function replacedError(cause: unknown): Error {
  return Object.assign(new Error('replaced while it was read', { cause }), { code: errorCode(cause) });
}
