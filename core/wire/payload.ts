import { decodeBsdata, decodeBsuint, encodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';
import { hashByEnumeration, hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { decodeHashcode, writeHashcode } from '../block/hashcode.ts';
import { MAX_RESPONSE_JSON_SIZE } from './limits.ts';

// Encoders and decoders for the payloads of requests and responses. @see vt(7), "PACKET PROTOCOL"

/** A JSON object that precedes a payload. */
export type Json = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes a JSON object as `bsdata`, to precede the rest of a payload. */
export function encodeJson(value: Json): Buffer {
  const text = Buffer.from(JSON.stringify(value), 'utf8');
  return Buffer.concat([encodeBsuint(text.length), text]);
}

/** Decodes the JSON object that a payload begins with. @throws {ParseError} if there is none, or its text exceeds `maxSize` octets */
export function decodeJson(
  payload: Uint8Array,
  maxSize: number = MAX_RESPONSE_JSON_SIZE,
): { readonly json: Json; readonly rest: Uint8Array } {
  const { value, next } = decodeBsdata(payload, 0);
  if (value.length > maxSize) throw new ParseError(`read payload: JSON of ${value.length} bytes, where ${maxSize} are allowed`, 0);
  return { json: decodeFields(value), rest: payload.subarray(next) };
}

/** Encodes a payload that is only a JSON object: a control request, or its response. */
export function encodeFields(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** Decodes a payload that is only a JSON object. @throws {ParseError} if it is anything else */
export function decodeFields(payload: Uint8Array): Json {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(payload));
  } catch (error) {
    throw new ParseError('read payload: it is not JSON', 0, { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new ParseError('read payload: JSON that is no object', 0);
  return json as Json;
}

/** The payload of `add`: `bsuint` of the hash function, `bsdata` of the Block. */
export function encodeAdd(hashName: HashName, data: Uint8Array): Uint8Array[] {
  const head = new ByteWriter(16);
  head.bsuint(hashByName(hashName).enumeration);
  head.bsuint(data.length);
  return [head.take(), data];
}

/** Decodes {@link encodeAdd}; `hashName` is undefined for an unknown number. @throws {ParseError} if it is malformed */
export function decodeAdd(payload: Uint8Array): { readonly hashName: HashName | undefined; readonly data: Uint8Array } {
  const { value: enumeration, next } = decodeBsuint(payload, 0);
  const { value: data, next: end } = decodeBsdata(payload, next);
  requireEnd(payload, end);
  return { hashName: hashByEnumeration(enumeration)?.name, data };
}

/** Encodes a payload that is exactly one hashcode. */
export function encodeHashcode(hashcode: HashCode): Buffer {
  const writer = new ByteWriter(40);
  writeHashcode(writer, hashcode);
  return writer.take();
}

/** Decodes a payload that is exactly one hashcode. @throws {ParseError} if it is malformed, or octets follow */
export function decodeOneHashcode(payload: Uint8Array): HashCode {
  const { value, next } = decodeHashcode(payload, 0);
  requireEnd(payload, next);
  return value;
}

/** Decodes a sequence of hashcodes. @throws {ParseError} if one is malformed */
export function decodeHashcodes(payload: Uint8Array): HashCode[] {
  const found: HashCode[] = [];
  for (let at = 0; at < payload.length; ) {
    const { value, next } = decodeHashcode(payload, at);
    found.push(value);
    at = next;
  }
  return found;
}

/** A range of the list of all hashcodes, in ascending order of their digests. */
export interface HashcodeRange {
  readonly hashName: string;
  /** Where the range begins; default: the beginning of the list. */
  readonly start?: HashCode;
  /** The start itself is excluded. */
  readonly isAfter: boolean;
  /** Maximum number of hashcodes; 0 for all. */
  readonly length: number;
}

const RANGE_AFTER = 0x01;
const RANGE_START = 0x02;

/** The flags of a request for a range. */
export function rangeFlags({ start, isAfter }: HashcodeRange): number {
  return (isAfter ? RANGE_AFTER : 0) | (start === undefined ? 0 : RANGE_START);
}

/** Encodes a range, except its flags: see {@link rangeFlags}. */
export function encodeRange({ hashName, start, length }: HashcodeRange): Buffer {
  const writer = new ByteWriter(64);
  writer.bsdata(Buffer.from(hashName, 'utf8'));
  if (start !== undefined) writeHashcode(writer, start);
  writer.bsuint(length);
  return writer.take();
}

/** Decodes {@link encodeRange}. @throws {ParseError} if it is malformed */
export function decodeRange(flags: number, payload: Uint8Array): HashcodeRange {
  const name = decodeBsdata(payload, 0);
  let at = name.next;
  let start: HashCode | undefined;
  if ((flags & RANGE_START) !== 0) {
    const found = decodeHashcode(payload, at);
    start = found.value;
    at = found.next;
  }
  const { value: length, next } = decodeBsuint(payload, at);
  requireEnd(payload, next);
  return { hashName: decodeText(name.value), ...(start === undefined ? {} : { start }), isAfter: (flags & RANGE_AFTER) !== 0, length };
}

/** Encodes a text as UTF-8 `bsdata`. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeBsuint(bytes.length), bytes]);
}

/** Decodes a text and returns the octets after it. @throws {ParseError} if it is malformed or not UTF-8 */
export function decodeTextAnd(payload: Uint8Array): { readonly text: string; readonly rest: Uint8Array } {
  const { value, next } = decodeBsdata(payload, 0);
  return { text: decodeText(value), rest: payload.subarray(next) };
}

/** Decodes UTF-8. @throws {ParseError} if it is invalid */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new ParseError('read text: it is not UTF-8', 0, { cause: error });
  }
}

/** Decodes a payload that is exactly one `bsuint`. @throws {ParseError} if it is malformed, or octets follow */
export function decodeNumber(payload: Uint8Array): number {
  const { value, next } = decodeBsuint(payload, 0);
  requireEnd(payload, next);
  return value;
}

/** Encodes yes-or-no answers, one bit each, starting with the lowest bit of an octet. */
export function encodeBits(answers: ArrayLike<boolean | number>): Buffer {
  const out = Buffer.alloc(Math.ceil(answers.length / 8));
  for (let i = 0; i < answers.length; i++) if (answers[i]) out[i >> 3] = (out[i >> 3] as number) | (1 << (i & 7));
  return out;
}

/** Decodes {@link encodeBits}: 0 or 1 per answer. @throws {ParseError} if the number of octets does not fit `count` answers */
export function decodeBits(payload: Uint8Array, count: number): Uint8Array {
  if (payload.length !== Math.ceil(count / 8)) throw new ParseError(`read answers: expected ${count} bits`, 0);
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = ((payload[i >> 3] as number) >> (i & 7)) & 1;
  return out;
}

/** Number of digests in a payload. @throws {ParseError} if its size is no multiple of `digestSize`, or there are more than `most` */
export function countDigests(payload: Uint8Array, digestSize: number, most: number): number {
  const count = payload.length / digestSize;
  if (!Number.isInteger(count)) throw new ParseError(`read digests: ${payload.length} bytes are not some of ${digestSize}`, 0);
  if (count > most) throw new ParseError(`read digests: ${count} of them, where ${most} are allowed`, 0);
  return count;
}

function requireEnd(payload: Uint8Array, end: number): void {
  if (end !== payload.length) throw new ParseError(`read payload: ${payload.length - end} bytes too many`, end);
}
