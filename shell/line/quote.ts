import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToTextStrict } from '../../core/base/octets.ts';
import { isUnsafe, replaceUnsafe } from '../../core/base/unsafe-text.ts';

/** Characters that need no quotes in a word; a leading `@`, `!`, `~` or `#` is handled below. */
const PLAIN = /^[A-Za-z0-9_./:,+=%^{}~@#!\x80-\xff-]+$/;

/**
 * Writes octets as one word of a line, unquoted if they read back the same. Otherwise they get single quotes, or
 * `$'…'` if they are unsafe for a terminal or not UTF-8. The result is printable and has no newline.
 */
export function quoteWord(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  if (text === undefined || isUnsafe(text)) return `$'${escapeOctets(octets)}'`;
  if (isPlainWord(octets)) return text;
  if (!text.includes("'")) return `'${text}'`;
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Whether octets need no quotes anywhere in a line. */
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

/** Octets escaped for `$'…'`: every unsafe character, and every octet if they are not UTF-8. */
export function escapeOctets(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (text === undefined) return octets.replace(/[\x00-\x1f\x7f-\xff\\']/g, escapeEach);
  return replaceUnsafe(text.replace(/[\\']/g, escapeEach), (char) => escapeEach(octetsFromText(char)));
}

function escapeEach(octets: string): string {
  return NAMES[octets] ?? [...octets].map((octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}
