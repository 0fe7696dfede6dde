import type { Octets } from './octets.ts';
import { octetsToTextStrict } from './octets.ts';

// Shell patterns over one path element: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a character that matches itself.

/** Whether a pattern has an active `*`, `?` or `[`. */
export function hasGlob(pattern: Octets): boolean {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(pattern);
}

/**
 * Compiles a pattern. `?` matches one character if pattern and name are UTF-8, else one byte.
 * Only a literal dot matches a leading dot. Matching takes at most as many steps as the product of the lengths. A regular expression
 * would try every way to divide a name among several `*`.
 */
export function compileGlob(pattern: Octets): (name: Octets) => boolean {
  const octetsParts = partsOf(pattern);
  const text = octetsToTextStrict(pattern);
  // Bytes and characters give different matches only for `?` and classes against characters of several bytes.
  const textParts = text === undefined ? undefined : partsOf(text);
  return (name) => {
    const nameText = octetsToTextStrict(name);
    return nameText !== undefined && textParts !== undefined ? matches(textParts, [...nameText]) : matches(octetsParts, [...name]);
  };
}

/** A part of a pattern: `*`, or a matcher of one character. `isItself` is set for a literal character. */
type Part = '*' | { readonly isItself: boolean; readonly fits: (character: string) => boolean };

function matches(parts: readonly Part[], name: readonly string[]): boolean {
  const [first] = parts;
  if (name[0] === '.' && (first === '*' || first?.isItself === false)) return false;
  let part = 0;
  let at = 0;
  // Where to resume if the text after the last `*` does not match. Earlier `*` need not be tried again.
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const one = parts[part];
    if (one === '*') {
      star = ++part;
      starAt = at;
    } else if (one?.fits(name[at] ?? '') === true) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star;
      at = ++starAt;
    } else return false;
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}

function itself(expected: string): Part {
  return { isItself: true, fits: (character) => character === expected };
}

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  const characters = [...pattern];
  // The last `]`. After it no `]` is searched, or each of many `[` would scan to the end.
  const lastEnd = characters.lastIndexOf(']');
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (character === '?') parts.push({ isItself: false, fits: () => true });
    else if (character === '\\' && i + 1 < characters.length) parts.push(itself(characters[++i] ?? ''));
    else if (character === '[') {
      const end = i < lastEnd ? classEnd(characters, i) : undefined;
      if (end === undefined) parts.push(itself('['));
      else {
        parts.push(classOf(characters.slice(i + 1, end)));
        i = end;
      }
    } else parts.push(itself(character));
  }
  return parts;
}

/** Index of the `]` that ends the class opened at `start`; a `]` right after the opening matches itself. */
function classEnd(characters: readonly string[], start: number): number | undefined {
  const first = characters[start + 1] === '!' || characters[start + 1] === '^' ? start + 2 : start + 1;
  const end = characters.indexOf(']', first + 1);
  return end < 0 ? undefined : end;
}

/** A class of characters, with ranges of code points. A range whose end is before its start matches nothing. */
function classOf(inner: readonly string[]): Part {
  const isNegated = inner[0] === '!' || inner[0] === '^';
  const members = isNegated ? inner.slice(1) : inner;
  const ranges: (readonly [number, number])[] = [];
  for (let i = 0; i < members.length; i++) {
    const from = codeOf(members[i]);
    const isRange = members[i + 1] === '-' && members[i + 2] !== undefined;
    ranges.push([from, isRange ? codeOf(members[i + 2]) : from]);
    if (isRange) i += 2;
  }
  const fits = (character: string): boolean => {
    const code = codeOf(character);
    return ranges.some(([from, to]) => from <= code && code <= to) !== isNegated;
  };
  return { isItself: false, fits };
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}
