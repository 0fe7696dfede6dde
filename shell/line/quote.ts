import type { Octets } from '../../core/base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
const CONTROL = /[\x00-\x1f\x7f]/;
/** What needs no quotes anywhere in a word; a first `@`, `!`, `~` or `#` is told apart below. */
const PLAIN = /^[A-Za-z0-9_./:,+=%^{}~@#!\x80-\xff-]+$/;

/**
 * Writes octets as one word of a line: as they are where that reads back the same, else in single quotes, else, where
 * they hold control characters or are not UTF-8, in `$'…'`. The result is printable and has no newline.
 */
export function quoteWord(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  if (text === undefined || CONTROL.test(octets) || /[\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text))
    return `$'${escapeOctets(octets)}'`;
  if (isPlainWord(octets)) return text;
  if (!text.includes("'")) return `'${text}'`;
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Whether octets stand for themselves in a line, wherever they stand. */
export function isPlainWord(octets: Octets): boolean {
  return octets !== '' && !/^[@!~#{]/.test(octets) && PLAIN.test(octets) && !/^[A-Za-z]+\{|^x-vt:/.test(octets);
}

const NAMES: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\t': String.raw`\t`,
  '\r': String.raw`\r`,
  '\x1b': String.raw`\e`,
  '\\': String.raw`\\`,
  "'": String.raw`\'`,
};

/** Octets as they stand within `$'…'`: every control character, and every octet of what is not UTF-8, as an escape. */
export function escapeOctets(octets: Octets): string {
  const isText = octetsToTextStrict(octets) !== undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  const unsafe = isText ? /[\x00-\x1f\x7f\\']|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]/g : /[\x00-\x1f\x7f-\xff\\']/g;
  const printable = octets.replace(
    unsafe,
    (found) => NAMES[found] ?? [...found].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
  );
  return octetsToText(printable as Octets);
}
