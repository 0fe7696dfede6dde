import { join } from 'node:path';

/** Replaces a leading `~` by the home directory, if that is known. */
export function expandHome(path: string, home: string | undefined): string {
  if (home === undefined) return path;
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}
