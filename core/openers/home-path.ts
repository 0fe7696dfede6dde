import { join } from 'node:path';

/** A path with a leading `~` replaced by the home directory, where that is known. */
export function expandHome(path: string, home: string | undefined): string {
  if (home === undefined) return path;
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}
