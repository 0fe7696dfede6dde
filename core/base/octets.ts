/**
 * Byte strings. Names, paths and symlink targets are bytes that need not be UTF-8. They are kept in JavaScript strings with one char
 * (0..255) per byte. V8 stores these in one byte a char, they can be keys of a Map, and comparing them compares the bytes. The brand
 * distinguishes them from text.
 */

declare const octetsBrand: unique symbol;

/** A string whose every char code is one byte. */
export type Octets = string & { readonly [octetsBrand]: true };

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes a text in UTF-8. */
export function octetsFromText(text: string): Octets {
  // ASCII, the usual case, is its own UTF-8.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text as Octets;
  return Buffer.from(text, 'utf8').toString('latin1') as Octets;
}

/** Converts bytes to a byte string. */
export function octetsFromBytes(data: Uint8Array): Octets {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1') as Octets;
}

/** Converts a byte string to bytes, in a new Buffer. */
export function octetsToBytes(octets: Octets): Buffer {
  return Buffer.from(octets, 'latin1');
}

/** Decodes UTF-8; undefined if it is not valid. */
export function octetsToTextStrict(octets: Octets): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (/^[\x00-\x7f]*$/.test(octets)) return octets;
  try {
    return utf8Strict.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Decodes UTF-8 for display, with U+FFFD for invalid bytes. Never use the result as a name. */
export function octetsToText(octets: Octets): string {
  return octetsToTextStrict(octets) ?? Buffer.from(octets, 'latin1').toString('utf8');
}

/** Order of two byte strings, by byte: negative, 0 or positive. */
export function compareOctets(a: Octets, b: Octets): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
