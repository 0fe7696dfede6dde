import { ParseError } from './errors.ts';

/** A value and the offset just past it. */
export interface Decoded<T> {
  readonly value: T;
  readonly next: number;
}

/**
 * Bytes that the unsigned varint of `value` takes.
 *
 * @param value - 0 <= value <= 2^53 - 1
 */
export function bsuintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/**
 * Writes an unsigned varint: big-endian groups of 7 bits, high bit set on all but the last byte; of minimal length.
 *
 * @param value - 0 <= value <= 2^53 - 1
 * @returns the offset just past it
 * @throws {RangeError} if value is not such an integer
 * @see vt(5), "Integers"
 */
export function writeBsuint(target: Uint8Array, offset: number, value: number): number {
  // Nearly all values are this small, and one division per byte is slow. A fraction or a negative number never equals its low bits.
  if (value === (value & 0x7f)) {
    target[offset] = value;
    return offset + 1;
  }
  if (value === (value & 0x3fff)) {
    target[offset] = (value >> 7) | 0x80;
    target[offset + 1] = value & 0x7f;
    return offset + 2;
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`encode bsuint: expected 0..2^53-1, got ${value}`);
  const size = bsuintSize(value);
  let rest = value;
  for (let i = offset + size - 1; i >= offset; i--) {
    target[i] = (rest % 128) | (i === offset + size - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return offset + size;
}

/** An unsigned varint in a new array; see {@link writeBsuint}. */
export function encodeBsuint(value: number): Uint8Array {
  const out = new Uint8Array(bsuintSize(value));
  writeBsuint(out, 0, value);
  return out;
}

/**
 * Decodes an unsigned varint: big-endian groups of 7 bits, high bit set on all but the last byte. Redundant
 * leading 0x80 bytes are accepted, up to 16 bytes in all: the Python vt reads them too, but writes none.
 *
 * @param data - bytes to read from; not modified
 * @param offset - first byte, 0 <= offset
 * @throws {ParseError} if data ends inside the number, or it exceeds 2^53 - 1
 * @see vt(5), "Integers"
 */
export function decodeBsuint(data: Uint8Array, offset: number): Decoded<number> {
  let value = 0;
  for (let i = offset; i < offset + 16; i++) {
    const octet = data[i];
    if (octet === undefined) throw new ParseError('decode bsuint: data ends inside the number', offset);
    value = value * 128 + (octet & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw new ParseError('decode bsuint: number exceeds 2^53 - 1', offset);
    if (octet < 0x80) return { value, next: i + 1 };
  }
  throw new ParseError('decode bsuint: number longer than 16 bytes', offset);
}

/**
 * Decodes length-prefixed bytes as a view of `data`.
 *
 * @throws {ParseError} if data ends inside them
 * @see vt(5), "Data"
 */
export function decodeBsdata(data: Uint8Array, offset: number): Decoded<Uint8Array> {
  const { value: length, next } = decodeBsuint(data, offset);
  if (length > data.length - next) {
    throw new ParseError(`decode bsdata: ${length} bytes announced, ${data.length - next} left`, offset);
  }
  return { value: data.subarray(next, next + length), next: next + length };
}
