import { constants } from 'node:os';
import { PathError, VtError } from '../core/base/errors.ts';
import { errorCode } from '../core/base/system/system-error.ts';

/** Names of errors as `os.constants.errno` has them. */
export type ErrnoName = keyof typeof constants.errno;

/** An error that a client of the filesystem is to see as `errno`. It has no stack: taking that costs 13 µs, and it is an answer like any other. */
export class FilesystemError extends Error {
  readonly errno: ErrnoName;

  /** @param reason - of EIO, for the log of the mount */
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
 * The errno, a positive number, that means whatever was thrown. PathErrors and system calls have their own, and a full
 * Store is ENOSPC or EDQUOT. Damaged and missing Blocks and all that is unforeseen are EIO.
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

/** What the system says that is the cause of an error: no room, or a quota. */
function fullnessOf(error: unknown): 'ENOSPC' | 'EDQUOT' | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code === 'ENOSPC' || code === 'EDQUOT') return code;
  }
  return undefined;
}
