import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToTextStrict } from '../../core/base/octets.ts';
import { isUnsafe, replaceUnsafe } from '../../core/base/unsafe-text.ts';

/** What needs no quotes anywhere in a word; a first `@`, `!`, `~` or `#` is distinguished below. */
const PLAIN = /^[A-Za-z0-9_./:,+=%^{}~@#!\x80-\xff-]+$/;

/**
 * Writes bytes as one word of a line. Where they read back the same they are not quoted. Else they are in single quotes, or in
 * `$'…'` where they are unsafe for a terminal or no UTF-8. The result is printable and has no newline.
 */
export function quoteWord(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  if (text === undefined || isUnsafe(text)) return `$'${escapeOctets(octets)}'`;
  if (isPlainWord(octets)) return text;
  if (!text.includes("'")) return `'${text}'`;
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Whether bytes mean themselves in a line, wherever they are. */
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

/** Bytes as they are within `$'…'`: every unsafe character, and every byte of what is not UTF-8, as an escape. */
export function escapeOctets(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (text === undefined) return octets.replace(/[\x00-\x1f\x7f-\xff\\']/g, escapeEach);
  return replaceUnsafe(text.replace(/[\\']/g, escapeEach), (char) => escapeEach(octetsFromText(char)));
}

function escapeEach(octets: string): string {
  return NAMES[octets] ?? [...octets].map((octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}
