import { decodeBsdata } from '../base/bsuint.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { compareOctets, octetsFromBytes } from '../base/octets.ts';

// Extended attributes in bytes: bsdata name, bsdata value, ascending by name. @see vt(5), "Dirents"

/** Writes extended attributes, sorted by name. @throws {RangeError} if a name is empty */
export function writeXattrs(writer: ByteWriter, xattrs: ReadonlyMap<Octets, Uint8Array>): void {
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

/** The extended attributes that `data` is all of; values are copies. */
export function decodeXattrs(data: Uint8Array): ReadonlyMap<Octets, Uint8Array> {
  const xattrs = new Map<Octets, Uint8Array>();
  let last = '';
  for (let offset = 0; offset < data.length; ) {
    const { value: nameBytes, next: valueAt } = decodeBsdata(data, offset);
    const { value, next } = decodeBsdata(data, valueAt);
    const name = octetsFromBytes(nameBytes);
    if (name <= last) throw new ParseError('decode xattrs: empty name, or names out of order', offset);
    last = name;
    xattrs.set(name, new Uint8Array(value));
    offset = next;
  }
  return xattrs;
}
