import type { TextReader } from './text-reader.ts';

const UUID_PATTERN = /[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}/y;

/** Bytes of a uuid. */
export const UUID_SIZE = 16;

/** Formats 16 bytes as a uuid: lower-case hex with dashes. */
export function uuidFromBytes(data: Uint8Array): string {
  const hex = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * Parses a uuid into 16 bytes.
 *
 * @throws {RangeError} if it is not lower-case hex in the usual groups
 */
export function uuidToBytes(uuid: string): Buffer {
  if (!isUuid(uuid)) throw new RangeError(`encode uuid: expected 8-4-4-4-12 hex digits, got "${uuid}"`);
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Whether a text is a uuid in lower-case hex with dashes. */
export function isUuid(text: string): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/.test(text);
}

/** `U{uuid}` */
export function formatUuid(uuid: string): string {
  return `U{${uuid}}`;
}

/** Reads `U{uuid}` at the reader's position; hex digits may be upper-case. @throws {ParseError} if there is none */
export function readUuid(reader: TextReader): string {
  reader.expect('U{');
  const uuid = reader.require(UUID_PATTERN, 'a uuid').toLowerCase();
  reader.expect('}');
  return uuid;
}
