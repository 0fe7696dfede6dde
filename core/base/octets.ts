/**
 * Byte strings: names, paths and symlink targets are bytes that need not be UTF-8. They are held as
 * JavaScript strings with one char (0..255) a byte: V8 stores them in one byte each, they are Map
 * keys, and comparing them compares the bytes. The brand keeps them apart from text.
 */

declare const octetsBrand: unique symbol;

/** A string whose every char code is one byte. */
export type Octets = string & { readonly [octetsBrand]: true };

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of a text in UTF-8. */
export function octetsFromText(text: string): Octets {
  // ASCII, the usual case, is its own UTF-8.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text as Octets;
  return Buffer.from(text, 'utf8').toString('latin1') as Octets;
}

/** Bytes of bytes. */
export function octetsFromBytes(data: Uint8Array): Octets {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1') as Octets;
}

/** Bytes of bytes, in a new Buffer. */
export function octetsToBytes(octets: Octets): Buffer {
  return Buffer.from(octets, 'latin1');
}

/** The text of bytes that are valid UTF-8, or undefined. */
export function octetsToTextStrict(octets: Octets): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  if (/^[\x00-\x7f]*$/.test(octets)) return octets;
  try {
    return utf8Strict.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

/** A text to show: UTF-8 where it is valid, U+FFFD where not. Never to be used as a name again. */
export function octetsToText(octets: Octets): string {
  return octetsToTextStrict(octets) ?? Buffer.from(octets, 'latin1').toString('utf8');
}

/** Order of two byte strings, by byte: negative, 0 or positive. */
export function compareOctets(a: Octets, b: Octets): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
