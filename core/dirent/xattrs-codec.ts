import { decodeBsuint } from '../base/bsuint.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { compareOctets, octetsFromBytes } from '../base/octets.ts';

// Extended attributes in bytes: bsdata name, bsdata value, ascending by name. @see vt(5), "Dirents"

/** Maximum attributes of one node. Linux lists at most 64 KiB of names per file. */
export const MAX_XATTRS = 65_536;

/** Writes extended attributes, sorted by name. @throws {RangeError} if a name is empty, or they are more than {@link MAX_XATTRS} */
export function writeXattrs(writer: ByteWriter, xattrs: ReadonlyMap<Octets, Uint8Array>): void {
  if (xattrs.size > MAX_XATTRS) throw new RangeError(`encode xattrs: ${xattrs.size}, ${MAX_XATTRS} are allowed`);
  for (const [name, value] of sortedXattrs(xattrs)) {
    if (name === '') throw new RangeError('encode xattrs: an empty name');
    writer.bsoctets(name);
    writer.bsdata(value);
  }
}

/** The entries ascending by name. */
export function sortedXattrs(xattrs: ReadonlyMap<Octets, Uint8Array>): [Octets, Uint8Array][] {
  return [...xattrs].sort(([a], [b]) => compareOctets(a, b));
}

/** The offsets of one attribute in the encoded attributes. */
export interface XattrAt {
  readonly nameAt: number;
  readonly nameEnd: number;
  readonly valueAt: number;
  readonly valueEnd: number;
}

/**
 * Finds the attributes in their encoded bytes, without decoding them.
 *
 * @throws {ParseError} if they are truncated, too many, or not ascending by name
 */
export function* xattrsIn(data: Uint8Array): Generator<XattrAt> {
  let last: XattrAt | undefined;
  let count = 0;
  for (let offset = 0; offset < data.length; ) {
    const nameAt = decodeBsuint(data, offset);
    const nameEnd = nameAt.next + nameAt.value;
    const valueAt = decodeBsuint(data, nameEnd);
    const found = { nameAt: nameAt.next, nameEnd, valueAt: valueAt.next, valueEnd: valueAt.next + valueAt.value };
    if (found.valueEnd > data.length) throw new ParseError('decode xattrs: a value that is cut short', offset);
    if (nameAt.value === 0 || (last !== undefined && !isBefore(data, last, found)))
      throw new ParseError('decode xattrs: empty name, or names out of order', offset);
    if (++count > MAX_XATTRS) throw new ParseError(`decode xattrs: more than ${MAX_XATTRS}`, offset);
    yield found;
    last = found;
    offset = found.valueEnd;
  }
}

function isBefore(data: Uint8Array, a: XattrAt, b: XattrAt): boolean {
  const size = Math.min(a.nameEnd - a.nameAt, b.nameEnd - b.nameAt);
  for (let i = 0; i < size; i++) {
    const difference = (data[a.nameAt + i] ?? 0) - (data[b.nameAt + i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return a.nameEnd - a.nameAt < b.nameEnd - b.nameAt;
}

/** Decodes extended attributes. Values are copied. @throws {ParseError} as {@link xattrsIn} */
export function decodeXattrs(data: Uint8Array): ReadonlyMap<Octets, Uint8Array> {
  const xattrs = new Map<Octets, Uint8Array>();
  for (const { nameAt, nameEnd, valueAt, valueEnd } of xattrsIn(data))
    xattrs.set(octetsFromBytes(data.subarray(nameAt, nameEnd)), new Uint8Array(data.subarray(valueAt, valueEnd)));
  return xattrs;
}
