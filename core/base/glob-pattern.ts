import type { Octets } from './octets.ts';
import { octetsToTextStrict } from './octets.ts';

// Shell patterns over one path element: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a character that stands for itself.

/** Whether a pattern has an active `*`, `?` or `[`. */
export function hasGlob(pattern: Octets): boolean {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(pattern);
}

/**
 * Compiles a pattern. `?` stands for one character where pattern and name are UTF-8, else for one octet.
 * A leading dot is matched only by a dot that is written.
 */
export function compileGlob(pattern: Octets): (name: Octets) => boolean {
  const octetsExpression = toRegExp(pattern);
  const text = octetsToTextStrict(pattern);
  // Pure ASCII patterns match octets and characters alike, but for `?` and classes against longer characters.
  const textExpression = text === undefined ? undefined : toRegExp(text);
  return (name) => {
    const nameText = octetsToTextStrict(name);
    return nameText !== undefined && textExpression !== undefined ? textExpression.test(nameText) : octetsExpression.test(name);
  };
}

function toRegExp(pattern: string): RegExp {
  let source = pattern.startsWith('.') || pattern.startsWith('\\.') ? '' : '(?!\\.)';
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\' && i + 1 < characters.length) source += quote(characters[++i] ?? '');
    else if (character === '[') {
      const end = classEnd(characters, i);
      if (end === undefined) source += '\\[';
      else {
        source += characterClass(characters.slice(i + 1, end));
        i = end;
      }
    } else source += quote(character);
  }
  return new RegExp(`^${source}$`, 'su');
}

/** Index of the `]` that ends the class opened at `start`; a `]` right after the opening stands for itself. */
function classEnd(characters: readonly string[], start: number): number | undefined {
  const first = characters[start + 1] === '!' || characters[start + 1] === '^' ? start + 2 : start + 1;
  for (let i = first + 1; i < characters.length; i++) if (characters[i] === ']') return i;
  return undefined;
}

function characterClass(inner: readonly string[]): string {
  const negated = inner[0] === '!' || inner[0] === '^';
  const members = negated ? inner.slice(1) : inner;
  let source = '';
  for (let i = 0; i < members.length; i++) {
    const from = members[i] ?? '';
    const to = members[i + 2];
    if (members[i + 1] === '-' && to !== undefined) {
      // A range that runs backwards matches nothing.
      if (from <= to) source += `${quoteInClass(from)}-${quoteInClass(to)}`;
      i += 2;
    } else source += quoteInClass(from);
  }
  if (source === '') return negated ? '.' : '(?!)';
  return `[${negated ? '^' : ''}${source}]`;
}

function quote(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function quoteInClass(character: string): string {
  return character === '-' ? '\\-' : quote(character);
}
