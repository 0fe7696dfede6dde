import { readdirSync, statSync } from 'node:fs';
import { compileGlob, hasGlob } from '../base/glob-pattern.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';

/** Local paths told by a pattern, which may come to be later. */
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

/** What a pattern means at present. */
export interface FoundPaths {
  /** Those that are there, ascending; of a plain path that one, there or not. */
  readonly paths: readonly Octets[];
  /** Folders in which more may come to be. */
  readonly folders: readonly Octets[];
}

/** Finds the paths of a pattern. Folders that cannot be read have none. */
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

/** Says whether a path is one that a pattern may mean. */
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
