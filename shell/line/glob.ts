import { VtError } from '../../core/base/errors.ts';
import { compileGlob } from '../../core/base/glob-pattern.ts';
import type { Octets } from '../../core/base/octets.ts';
import { compareOctets, octetsToText } from '../../core/base/octets.ts';
import type { Word } from './word.ts';

/** The tree or the local files, as globs need them. Paths are as typed: relative ones start at that side's working path. */
export interface GlobSide {
  /** The entries of a Dir (`''` is the working path), in any order; none if it cannot be listed. */
  list(path: Octets): AsyncIterable<{ readonly name: Octets; readonly isDir: boolean }>;
  /** Whether a path exists; a dangling symlink counts. */
  exists(path: Octets): Promise<boolean>;
}

const ACTIVE = /[*?[]/;

/** Whether a word has an unquoted `*`, `?` or `[`. */
export function isGlobWord(word: Word): boolean {
  for (let i = 0; i < word.text.length; i++) if (word.quoted[i] === 0 && ACTIVE.test(word.text[i] ?? '')) return true;
  return false;
}

/** The word as a pattern of core/base/glob-pattern.ts: quoted characters are escaped. */
export function patternOf(text: string, quoted: Uint8Array): Octets {
  let pattern = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    pattern += (quoted[i] === 1 && /[*?[\]\\!^-]/.test(char)) || char === '\\' ? `\\${char}` : char;
  }
  return pattern as Octets;
}

/**
 * The paths that a word with a glob matches, sorted by octets. They are spelled like the word: relative, absolute, or below
 * the same Dirs. A name that starts with a dot needs an explicit dot.
 *
 * @throws {VtError} EFAILED if nothing matches
 */
export async function expandGlob(word: Word, side: GlobSide, signal?: AbortSignal): Promise<Octets[]> {
  const root = word.text.startsWith('/') ? '/' : '';
  let found: Octets[] = [root as Octets];
  let prefix = '';
  for (const element of elementsOf(word)) {
    const { text, quoted, isLast } = element;
    const isPattern = [...text].some((char, i) => quoted[i] === 0 && ACTIVE.test(char));
    if (!isPattern) {
      prefix += `${text}${isLast ? '' : '/'}`;
      if (!isLast) continue;
      const candidates = found.map((path) => `${path}${prefix}` as Octets);
      const present = await Promise.all(candidates.map((path) => side.exists(path)));
      found = candidates.filter((_, i) => present[i]);
      break;
    }
    const matches = compileGlob(patternOf(text, quoted));
    const next: Octets[] = [];
    for (const path of found) {
      signal?.throwIfAborted();
      for await (const entry of side.list(`${path}${prefix}` as Octets)) {
        if (!matches(entry.name) || (!isLast && !entry.isDir)) continue;
        next.push(`${path}${prefix}${entry.name}${isLast ? '' : '/'}` as Octets);
      }
    }
    found = next;
    prefix = '';
  }
  if (found.length === 0)
    throw new VtError('EFAILED', `"${octetsToText(word.text)}": no match`, { remedy: 'quote it to use it as a name' });
  return found.sort(compareOctets);
}

/** The path elements of a word; a trailing slash makes an empty last one. */
function* elementsOf(word: Word): Generator<{ readonly text: string; readonly quoted: Uint8Array; readonly isLast: boolean }> {
  let start = 0;
  while (word.text[start] === '/') start++;
  for (;;) {
    const slash = word.text.indexOf('/', start);
    const end = slash < 0 ? word.text.length : slash;
    if (end > start || slash < 0) yield { text: word.text.slice(start, end), quoted: word.quoted.subarray(start, end), isLast: slash < 0 };
    if (slash < 0) return;
    start = slash + 1;
  }
}
