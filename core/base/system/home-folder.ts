import { userInfo } from 'node:os';
import { VtError } from '../errors.ts';

/** The home folder: `HOME` if it is an absolute path, else the folder in the system's user database; undefined if there is neither. */
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
 * As {@link homeFolder}, but throws if there is none.
 *
 * @param what - what needs it, for the message: `the default Store`
 * @throws {VtError} EOPEN if there is none
 */
export function requireHomeFolder(home: string | undefined, what: string): string {
  const found = homeFolder(home);
  if (found !== undefined) return found;
  throw new VtError('EOPEN', `find ${what}: there is no home directory`, { remedy: 'set HOME to a directory' });
}
