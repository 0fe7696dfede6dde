import { lstatSync, realpathSync, statSync } from 'node:fs';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromBytes } from '../../core/base/octets.ts';
import { pathBytes } from '../../core/base/system/system-error.ts';

/**
 * Makes the user's path absolute, without `.`, `..`, empty elements and a final slash. The filesystem decides where `..` or a final slash
 * leads: `link/../f` is beside the directory to which the symlink leads. Other symlinks stay in the path.
 *
 * A path that leads nowhere stays as typed: using it gives the system's own error.
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

/** Whether a path can only be a directory: it ends in a slash, `.` or `..`. */
export function endsAsDirectory(words: Octets): boolean {
  return /(?:^|\/)\.{0,2}$/.test(words);
}

/** The path of a directory without symlinks; '' for the root; undefined if there is none, or it cannot be accessed. */
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

/** Replaces a leading `~` by the home directory. */
export function expandHome(path: Octets, home: Octets): Octets {
  return (path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path) as Octets;
}
