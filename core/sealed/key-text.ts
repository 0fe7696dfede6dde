import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ParseError } from '../base/errors.ts';
import { KEY_SIZE } from './keyed-digests.ts';

// A key as text, for a file or paper. After the first line there are eight lines with a number, eight hex digits, and four check digits.
// @see vt(5), "Key files"

const TITLE = 'vtftp sealed key 1';
const LINES = 8;
const LINE_SIZE: number = KEY_SIZE / LINES;

/** Makes a random key of 32 octets. */
export function newKey(): Buffer {
  return randomBytes(KEY_SIZE);
}

/** Formats a key for {@link parseKey}. */
export function formatKey(key: Uint8Array): string {
  const lines = Array.from({ length: LINES }, (_, i) => {
    const part = Buffer.from(key.subarray(i * LINE_SIZE, (i + 1) * LINE_SIZE));
    const hex = part.toString('hex');
    return `${i + 1}  ${hex.slice(0, 4)} ${hex.slice(4)}  ${checkOf(i, part)}`;
  });
  return `${[TITLE, ...lines].join('\n')}\n`;
}

function checkOf(i: number, part: Uint8Array): string {
  return (crc32(part, crc32(Buffer.of(i + 1))) & 0xffff).toString(16).padStart(4, '0');
}

/** Whether a text begins like a key's text. */
export function isKeyText(text: string): boolean {
  return wordsOf(text.split('\n')[0] ?? '').join(' ') === TITLE;
}

function wordsOf(line: string): string[] {
  return line
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}

/**
 * Parses the text of a key. Since it may be typed from paper, case and spaces do not matter, nor do lines before and after it.
 *
 * @throws {ParseError} with the number of the wrong line
 */
export function parseKey(text: string): Buffer {
  const lines = text.split('\n').map(wordsOf);
  const title = lines.findIndex((words) => words.join(' ') === TITLE);
  if (title < 0) throw new ParseError(`read key: its first line is not "${TITLE}"`, 0);
  const rows = lines.slice(title + 1).filter((words) => words.length > 0);
  const parts = Array.from({ length: LINES }, (_, i) => {
    const [number, ...rest] = rows[i] ?? [];
    const digits = rest.join('');
    if (number !== String(i + 1) || !/^[\da-f]{12}$/.test(digits))
      throw new ParseError(`read key: line ${i + 1} should be "${i + 1}" and twelve hex digits`, 0);
    const part = Buffer.from(digits.slice(0, 2 * LINE_SIZE), 'hex');
    if (checkOf(i, part) !== digits.slice(2 * LINE_SIZE))
      throw new ParseError(`read key: a digit of line ${i + 1} is wrong, or its check is`, 0);
    return part;
  });
  return Buffer.concat(parts);
}
