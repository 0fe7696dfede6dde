import { getSystemErrorMap } from 'node:util';

/**
 * The message for each errno, both for errors of trees and for those of system calls. An errno that is not listed has Node's text.
 */
const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EAGAIN: 'busy, try again',
  EBUSY: 'in use',
  EDQUOT: 'quota exceeded',
  EEXIST: 'already exists',
  EFBIG: 'too large for this filesystem or its limit',
  EHOSTDOWN: 'host is down',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  EMFILE: 'too many open files',
  EMLINK: 'too many links',
  ENAMETOOLONG: 'name too long',
  ENFILE: 'too many open files on this machine',
  ENODATA: 'no such attribute',
  ENOENT: 'no such file or directory',
  ENOLCK: 'no locks available',
  ENOSPC: 'no space left on device',
  ENOSYS: 'not supported by this system',
  ENOTCONN: 'not connected',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTSUP: 'not supported by this filesystem',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'not supported by this filesystem',
  EPERM: 'operation not permitted',
  EREMOTEIO: 'remote input/output error',
  EROFS: 'read-only',
  ESTALE: 'stale file handle',
  ETXTBSY: 'a program of it is running',
  EUCLEAN: 'the filesystem is damaged',
  EXDEV: 'crosses into another filesystem or tree',
};

/**
 * The text of an errno.
 *
 * @param name - `ENOENT`
 * @param number - its value in Node's form (negative), for names that are not in the table
 */
export function errnoText(name: string, number?: number): string {
  if (Object.hasOwn(ERRNO_TEXTS, name)) return ERRNO_TEXTS[name] ?? name;
  return (number === undefined ? undefined : getSystemErrorMap().get(number)?.[1]) ?? `system error ${name}`;
}
