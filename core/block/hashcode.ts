import type { Decoded } from '../base/bsuint.ts';
import { decodeBsuint } from '../base/bsuint.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { HashName } from './hash.ts';
import { hashByEnumeration, hashByName } from './hash.ts';

/** The name of a Block: the digest of its bytes under a hash function. */
export interface HashCode {
  readonly hashName: HashName;
  /** `digestSize` bytes; never modified. */
  readonly digest: Uint8Array;
}

/** Computes the hashcode of `data`. */
export function hashcodeOf(hashName: HashName, data: Uint8Array): HashCode {
  return { hashName, digest: hashByName(hashName).digest(data) };
}

/** Formats a digest in lower-case hex, which may serve as key of a Map. */
export function digestHex(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}

/** Formats a hashcode for messages and URIs: `sha3-256:0123…` */
export function hashcodeLabel(hashcode: HashCode): string {
  return `${hashcode.hashName}:${digestHex(hashcode.digest)}`;
}

/** Writes a hashcode record: bsuint enumeration, digest. @see vt(5), "Hashcodes" */
export function writeHashcode(writer: ByteWriter, hashcode: HashCode): void {
  writer.bsuint(hashByName(hashcode.hashName).enumeration);
  writer.bytes(hashcode.digest);
}

/**
 * Decodes a hashcode record. The digest is a copy.
 *
 * @throws {ParseError} for an unknown hash function or a short digest
 */
export function decodeHashcode(data: Uint8Array, offset: number): Decoded<HashCode> {
  const { value: enumeration, next } = decodeBsuint(data, offset);
  const hash = hashByEnumeration(enumeration);
  if (hash === undefined) throw new ParseError(`decode hashcode: unknown hash function ${enumeration}`, offset);
  const end = next + hash.digestSize;
  if (end > data.length) {
    throw new ParseError(`decode hashcode: ${hash.name} needs ${hash.digestSize} bytes, ${data.length - next} left`, next);
  }
  return { value: { hashName: hash.name, digest: new Uint8Array(data.subarray(next, end)) }, next: end };
}
