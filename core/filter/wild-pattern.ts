import type { Octets } from '../base/octets.ts';

// Patterns of rsync(1) for paths ("PATTERN MATCHING RULES"). `*` matches any bytes except `/`, `**` any bytes, and `?` one byte except
// `/`. `[...]` matches one byte of a set, but never `/`. A byte after `\` matches itself.

/** Whether a pattern has wildcards. Without them, a backslash matches itself. */
export function isWild(pattern: Octets): boolean {
  return /[*?[]/.test(pattern);
}

/**
 * Compiles a pattern.
 *
 * Matching does not try every way to divide a text among several stars. It takes at most as many steps as the product of the lengths of
 * the text, its longest element and the pattern. Only malicious texts take many.
 */
export function compileWild(pattern: Octets): (text: Octets) => boolean {
  if (!isWild(pattern)) return (text) => text === pattern;
  const parts = partsOf(pattern);
  if (parts === undefined) return () => false;
  return simpleTest(pattern) ?? ((text) => fits(parts, text));
}

/** A faster test for patterns such as `*.o` and `core*`, the most frequent ones. */
function simpleTest(pattern: Octets): ((text: Octets) => boolean) | undefined {
  if (/^\*[^*?[\\/]+$/.test(pattern)) {
    const end = pattern.slice(1);
    return (text) => text.endsWith(end) && text.indexOf('/') < 0;
  }
  if (/^[^*?[\\/]+\*$/.test(pattern)) {
    const start = pattern.slice(0, -1);
    return (text) => text.startsWith(start) && text.indexOf('/') < 0;
  }
  return undefined;
}

const STAR = -1;
const STARS = -2;

/** A part of a pattern: a literal byte as a number, a set of bytes with 256 elements, STAR, or STARS. */
type Part = number | Uint8Array;

function fits(parts: readonly Part[], text: Octets): boolean {
  let part = 0;
  let at = 0;
  // Where to resume after a mismatch: at the last `*`, unless it would have to match a slash; else at the last `**`.
  let star = -1;
  let starAt = 0;
  let stars = -1;
  let starsAt = 0;
  for (;;) {
    const one = parts[part];
    if (one === STAR) {
      star = ++part;
      starAt = at;
    } else if (one === STARS) {
      stars = ++part;
      starsAt = at;
      star = -1;
    } else if (at < text.length && one !== undefined && isOne(one, text.charCodeAt(at))) {
      part++;
      at++;
    } else if (at === text.length && one === undefined) return true;
    else if (star >= 0 && starAt < text.length && text[starAt] !== '/') {
      part = star;
      at = ++starAt;
    } else if (stars >= 0 && starsAt < text.length) {
      star = -1;
      part = stars;
      at = ++starsAt;
    } else return false;
  }
}

function isOne(part: Part, octet: number): boolean {
  return typeof part === 'number' ? part === octet : part[octet] === 1;
}

/** Undefined for a pattern that can match nothing: it has a `[` that is not closed, or an unknown class. */
function partsOf(pattern: Octets): Part[] | undefined {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '*') {
      const count = /^\*+/.exec(pattern.slice(at))?.[0].length ?? 1;
      parts.push(count > 1 ? STARS : STAR);
      at += count - 1;
    } else if (char === '?') parts.push(setOf((octet) => octet !== SLASH));
    else if (char === '[') {
      const set = readSet(pattern, at + 1);
      if (set === undefined) return undefined;
      parts.push(set.members);
      at = set.end;
    } else if (char === '\\' && at + 1 < pattern.length) parts.push(pattern.charCodeAt(++at));
    else parts.push(pattern.charCodeAt(at));
  }
  return parts;
}

const SLASH = 0x2f;

function setOf(has: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (has(octet) ? 1 : 0));
}

/** The classes `[:name:]`, for bytes in the C locale. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[\t ]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class of control characters
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

/** Reads the set whose `[` precedes `start`. A leading `]` is a member. */
function readSet(pattern: Octets, start: number): { readonly members: Uint8Array; readonly end: number } | undefined {
  const members = new Uint8Array(256);
  let at = start;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at++;
  let last = -1;
  for (let first = true; first || pattern[at] !== ']'; first = false, at++) {
    if (at >= pattern.length) return undefined;
    const named = pattern.startsWith('[:', at) ? pattern.indexOf(']', at + 2) : -1;
    if (pattern.startsWith('[:', at) && named < 0) return undefined;
    if (named >= 0 && pattern[named - 1] === ':' && named - at >= 3) {
      const expression = CLASSES[pattern.slice(at + 2, named - 1)];
      if (expression === undefined) return undefined;
      for (let octet = 0; octet < 256; octet++) if (expression.test(String.fromCharCode(octet))) members[octet] = 1;
      last = -1;
      at = named;
      continue;
    }
    const isRange = pattern[at] === '-' && last >= 0 && at + 1 < pattern.length && pattern[at + 1] !== ']';
    if (isRange) at++;
    if (pattern[at] === '\\') at++;
    if (at >= pattern.length) return undefined;
    const octet = pattern.charCodeAt(at);
    for (let member = isRange ? last : octet; member <= octet; member++) members[member] = 1;
    last = isRange ? -1 : octet;
  }
  return { members: setOf((octet) => (members[octet] === 1) !== negated && octet !== SLASH), end: at };
}
