import { readdirSync, statSync } from 'node:fs';
import { compileGlob, hasGlob } from '../base/glob-pattern.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';

/** A pattern for local paths, some of which may not exist yet. */
export interface LocalPattern {
  /** Absolute; its elements may have `*`, `?` and `[ ]`. */
  readonly pattern: Octets;
  readonly isGlob: boolean;
}

export function localPattern(pattern: Octets): LocalPattern {
  const isGlob = hasGlob(pattern);
  return { pattern: isGlob ? pattern : unescaped(pattern), isGlob };
}

function unescaped(pattern: Octets): Octets {
  return pattern.replace(/\\(.)/g, '$1') as Octets;
}

/** The present matches of a pattern. */
export interface FoundPaths {
  /** The existing paths, ascending; for a plain path that path, whether or not it exists. */
  readonly paths: readonly Octets[];
  /** Folders in which new matches may appear. */
  readonly folders: readonly Octets[];
}

/** Finds the paths that match a pattern. Unreadable folders have no matches. */
export function findPaths({ pattern, isGlob }: LocalPattern): FoundPaths {
  if (!isGlob) return { paths: [pattern], folders: [parentOf(pattern)] };
  const elements = pattern.split('/').slice(1) as Octets[];
  let found: Octets[] = ['' as Octets];
  const folders: Octets[] = [];
  for (const [i, element] of elements.entries()) {
    const isLast = i === elements.length - 1;
    if (!hasGlob(element)) {
      const plain = unescaped(element);
      found = found.map((folder) => `${folder}/${plain}` as Octets);
      if (isLast) found = found.filter((path) => statSync(pathBytes(path), { throwIfNoEntry: false }) !== undefined);
      continue;
    }
    const fits = compileGlob(element);
    appendAll(folders, found);
    found = found.flatMap((folder) =>
      namesIn(folder)
        .filter(fits)
        .map((name) => `${folder}/${name}` as Octets),
    );
  }
  return { paths: found.sort(), folders };
}

/** Makes a test whether a path matches a pattern. */
export function fitsPattern({ pattern, isGlob }: LocalPattern): (path: Octets) => boolean {
  if (!isGlob) return (path) => path === pattern;
  const elements = (pattern.split('/') as Octets[]).map((element) => (hasGlob(element) ? compileGlob(element) : undefined));
  const plain = pattern.split('/').map((element) => unescaped(element as Octets));
  return (path) => {
    const names = path.split('/') as Octets[];
    return names.length === plain.length && names.every((name, i) => elements[i]?.(name) ?? name === plain[i]);
  };
}

/** The names in a folder; none where it cannot be read. */
export function namesIn(folder: Octets): Octets[] {
  try {
    return readdirSync(pathBytes(folder === '' ? ('/' as Octets) : folder), 'latin1') as Octets[];
  } catch {
    return [];
  }
}

/** The folder that a path is in. */
export function parentOf(path: Octets): Octets {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as Octets;
}
