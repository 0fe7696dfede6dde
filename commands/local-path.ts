import type { Octets } from '../core/base/octets.ts';

/** The absolute local path that a path means from `cwd`; without `.`, empty elements or a trailing slash; `..` by spelling. */
export function resolveLocalPath(cwd: Octets, path: Octets): Octets {
  const elements: string[] = [];
  for (const element of `${path.startsWith('/') ? '' : cwd}/${path}`.split('/')) {
    if (element === '..') elements.pop();
    else if (element !== '.' && element !== '') elements.push(element);
  }
  return `/${elements.join('/')}` as Octets;
}

/** A path with a leading `~` or `~/` in place of the home folder. */
export function expandHome(path: Octets, home: Octets): Octets {
  return (path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path) as Octets;
}
