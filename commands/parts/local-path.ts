import { lstatSync, realpathSync, statSync } from 'node:fs';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromBytes } from '../../core/base/octets.ts';
import { pathBytes } from '../../core/base/system/system-error.ts';

/**
 * The absolute path by which the system finds what a user's words name from `cwd`: without `.`, `..`, empty elements
 * and a slash at its end. The filesystem is asked what a `..` or a final slash leads to, so that `link/../f` is beside the
 * directory that the symlink names. Other symlinks stay in the path.
 *
 * Words without a match stay as typed: using the path gives the system's own error.
 */
export function resolveLocalPath(cwd: Octets, words: Octets): Octets {
  const typed = (words.startsWith('/') ? words : `${cwd}/${words}`) as Octets;
  const elements = typed.split('/').filter((element) => element !== '' && element !== '.');
  const lastUp = elements.lastIndexOf('..');
  const above = lastUp < 0 ? '' : realDirectory(elements.slice(0, lastUp + 1));
  if (above === undefined) return typed;
  const path = `${above}${elements
    .slice(lastUp + 1)
    .map((element) => `/${element}`)
    .join('')}` as Octets;
  if (!endsAsDirectory(words) || path === '' || elements.length === lastUp + 1) return path === '' ? ('/' as Octets) : path;
  const real = realDirectory([path.slice(1)]);
  if (real !== undefined) return real === '' ? ('/' as Octets) : real;
  return isAbsent(path) ? path : typed;
}

/** Whether words can mean a directory only: they end in a slash, `.` or `..`. */
export function endsAsDirectory(words: Octets): boolean {
  return /(?:^|\/)\.{0,2}$/.test(words);
}

/** The path of a directory without symlinks, of the root empty; undefined where there is none, or it may not be looked at. */
function realDirectory(elements: readonly string[]): Octets | undefined {
  try {
    const bytes = pathBytes(`/${elements.join('/')}` as Octets);
    if (!statSync(bytes).isDirectory()) return undefined;
    const real = octetsFromBytes(realpathSync.native(bytes, 'buffer'));
    return real === '/' ? ('' as Octets) : real;
  } catch {
    return undefined;
  }
}

function isAbsent(path: Octets): boolean {
  try {
    return lstatSync(pathBytes(path), { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** A path with a leading `~` or `~/` in place of the home folder. */
export function expandHome(path: Octets, home: Octets): Octets {
  return (path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path) as Octets;
}
