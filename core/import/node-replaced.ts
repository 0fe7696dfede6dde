import { errorCode } from '../base/system/system-error.ts';

/** Whether a node could not be read because another has replaced it: a symlink, or not a directory. */
export function isReplaced(error: unknown): boolean {
  return ['ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
}

/** The same error with a clear message. The system's text would mention a path that the user did not give. */
export function replacedError(cause: unknown): Error {
  return Object.assign(new Error('replaced while it was read', { cause }), { code: errorCode(cause) });
}
