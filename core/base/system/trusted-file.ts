import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { VtError } from '../errors.ts';

/** Write permission of group and others. With an ACL, the group bits are its mask: the maximum that it grants. */
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Refuses a file that somebody else may have written. It and each folder above it must belong to the user or to root, and group and
 * others must not have write permission. Folders with the sticky bit, such as /tmp, may be writable. ssh has the same rule for its own
 * files.
 *
 * @param what - the purpose of the file, for the message: `configuration`
 * @throws {VtError} EPERM with what to change; a system error if its status cannot be read
 */
export function requireTrusted(file: string, what: string): void {
  const user = process.geteuid?.();
  if (user === undefined) return;
  let path = realpathSync(file);
  for (let isFile = true; ; isFile = false) {
    const { uid, mode } = statSync(path);
    const place = isFile ? `${what} "${file}"` : `trust ${what} "${file}": its folder "${path}"`;
    if (uid !== user && uid !== 0) throw new VtError('EPERM', `${place} belongs to another user`, { remedy: `run: chown ${user} ${path}` });
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && (isFile || (mode & STICKY) === 0))
      throw new VtError('EPERM', `${place} can be written by others`, { remedy: `run: chmod go-w ${path}` });
    const above = dirname(path);
    if (above === path) return;
    path = above;
  }
}
