import { TextReader } from '../base/text-reader.ts';
import { HASH_NAMES, hashByName } from './hash.ts';
import type { HashCode } from './hashcode.ts';
import { hashcodeLabel } from './hashcode.ts';

// Hashcodes as text, in the Python vt's grammar. @see vt(5), "Text"

/** Formats a hashcode: `H{sha3-256:0123…}` */
export function formatHashcode(hashcode: HashCode): string {
  return `H{${hashcodeLabel(hashcode)}}`;
}

/**
 * Parses `H{name:hex}`.
 *
 * @throws {ParseError} for any other text, an unknown hash function, and a digest of the wrong size
 */
export function parseHashcode(text: string): HashCode {
  const reader = new TextReader(text);
  const hashcode = readHashcode(reader);
  reader.end();
  return hashcode;
}

/** Reads `H{name:hex}` at the reader's position. @throws {ParseError} as {@link parseHashcode} */
export function readHashcode(reader: TextReader): HashCode {
  reader.expect('H{');
  const hashcode = readHashcodeLabel(reader);
  reader.expect('}');
  return hashcode;
}

/** Reads `name:hex`, as in texts and URIs, at the reader's position. @throws {ParseError} as {@link parseHashcode} */
export function readHashcodeLabel(reader: TextReader): HashCode {
  const start = reader.offset;
  const name = reader.require(/[a-z0-9-]+/y, 'the name of a hash function');
  const hashName = HASH_NAMES.find((known) => known === name);
  if (hashName === undefined) throw reader.error(`unknown hash function "${name}"`, start);
  reader.expect(':');
  const hexAt = reader.offset;
  const hex = reader.require(/[\da-fA-F]+/y, 'a digest in hex');
  const { digestSize } = hashByName(hashName);
  if (hex.length !== digestSize * 2) {
    throw reader.error(`${hashName} has ${digestSize * 2} hex digits, found ${hex.length}`, hexAt);
  }
  return { hashName, digest: new Uint8Array(Buffer.from(hex, 'hex')) };
}
