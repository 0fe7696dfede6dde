import { crc32 } from '../base/crc32.ts';
import { ParseError } from '../base/errors.ts';
import type { PackName } from './pack-names.ts';

// A list of retired packs. No session may rely on their Blocks, and gc removes them after a grace period. The list is kept forever.

const FIRST_LINE = /^vtftp-retired 1 ([0-9a-f]{8})\n/;

/** Formats a list. */
export function formatRetired(packs: Iterable<PackName>): string {
  const body = [...packs].map((name) => `${name}\n`).join('');
  return `vtftp-retired 1 ${checkOf(body)}\n${body}`;
}

/** Parses a list. @throws {ParseError} if it is damaged */
export function parseRetired(text: string): PackName[] {
  const [first = '', check] = FIRST_LINE.exec(text) ?? [];
  const body = text.slice(first.length);
  if (check === undefined || checkOf(body) !== check) throw new ParseError('read list of retired packs: its checksum does not match', 0);
  return body.split('\n').filter((line) => line !== '');
}

function checkOf(body: string): string {
  return crc32(Buffer.from(body, 'latin1')).toString(16).padStart(8, '0');
}
