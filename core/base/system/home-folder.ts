import { userInfo } from 'node:os';
import { VtError } from '../errors.ts';

/** The home folder: what `HOME` says where that is a path, else what the system knows of the user; undefined where neither does. */
export function homeFolder(home: string | undefined): string | undefined {
  if (home?.startsWith('/') === true) return home;
  try {
    const { homedir } = userInfo();
    return homedir.startsWith('/') ? homedir : undefined;
  } catch {
    return undefined;
  }
}

/**
 * As {@link homeFolder}, for what has to be there.
 *
 * @param what - for the message: `the default Store`
 * @throws {VtError} EOPEN where it is not known
 */
export function requireHomeFolder(home: string | undefined, what: string): string {
  const found = homeFolder(home);
  if (found !== undefined) return found;
  throw new VtError('EOPEN', `find ${what}: there is no home directory`, { remedy: 'set HOME to a directory' });
}
