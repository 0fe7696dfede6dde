import { constants } from 'node:os';
import { PathError, VtError } from '../core/base/errors.ts';
import { errorCode } from '../core/base/system/system-error.ts';

/** Names of errors, as in `os.constants.errno`. */
export type ErrnoName = keyof typeof constants.errno;

/** An error that a client gets as `errno`. It has no stack: capturing one takes 13 µs, and such errors are ordinary answers. */
export class FilesystemError extends Error {
  readonly errno: ErrnoName;

  /** @param reason - why an operation failed with EIO, for the mount's log */
  constructor(errno: ErrnoName, reason?: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(reason ?? errno);
    Error.stackTraceLimit = stackTraceLimit;
    this.errno = errno;
  }
}

const OF_CODE: Readonly<Record<string, ErrnoName>> = {
  EREADONLY: 'EROFS',
  EPERM: 'EPERM',
  EFULL: 'ENOSPC',
  ECANCELLED: 'EINTR',
  EUNSUPPORTED: 'EOPNOTSUPP',
};

/**
 * The errno, a positive number, of any thrown value. PathErrors and system calls have their own, and a full
 * Store is ENOSPC or EDQUOT. Damaged and missing Blocks and all unexpected errors are EIO.
 */
export function errnoOf(error: unknown): number {
  const { errno } = constants;
  if (error instanceof FilesystemError || error instanceof PathError) return errno[error.errno];
  const full = fullnessOf(error);
  if (full !== undefined) return errno[full];
  if (error instanceof VtError) return errno[OF_CODE[error.code] ?? 'EIO'];
  const code = errorCode(error);
  if (code !== undefined && Object.hasOwn(errno, code)) return errno[code as ErrnoName];
  return errno.EIO;
}

/** ENOSPC or EDQUOT if that system error caused this error. */
function fullnessOf(error: unknown): 'ENOSPC' | 'EDQUOT' | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code === 'ENOSPC' || code === 'EDQUOT') return code;
  }
  return undefined;
}
