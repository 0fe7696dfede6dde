import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { Meta } from './meta.ts';
import { decodeXattrs, xattrsIn } from './xattrs-codec.ts';

// Large extended attributes stay encoded until all of them are needed. So listing a Dir, or reading one attribute, is not slowed down by
// a Dirent with 65,536 attributes.

/** Attributes of up to this many bytes, as nearly all files have, are decoded at once. */
const MAX_AT_ONCE = 4096;

/** The key of the encoded attributes in a Meta. Copies of the Meta have the decoded attributes instead. */
const KEPT = Symbol('kept xattrs');

interface Keeping {
  readonly [KEPT]?: Uint8Array;
}

/**
 * Sets the extended attributes of metadata from their encoded bytes.
 *
 * @throws {ParseError} as {@link xattrsIn}
 */
export function keepXattrs(meta: Keeping & { xattrs?: Meta['xattrs'] }, data: Uint8Array): void {
  if (data.length <= MAX_AT_ONCE) {
    meta.xattrs = decodeXattrs(data);
    return;
  }
  const kept = new Uint8Array(data);
  // Checked now, so that decoding cannot fail later.
  const isPlain = isWrittenPlainly(kept);
  if (isPlain) Object.defineProperty(meta, KEPT, { value: kept });
  Object.defineProperty(meta, 'xattrs', {
    enumerable: true,
    configurable: true,
    get() {
      const xattrs = decodeXattrs(kept);
      Object.defineProperty(meta, 'xattrs', { value: xattrs, enumerable: true, configurable: true, writable: true });
      return xattrs;
    },
  });
}

/** Whether our encoder would write the same bytes: no length has redundant bytes. @throws {ParseError} as {@link xattrsIn} */
function isWrittenPlainly(data: Uint8Array): boolean {
  let isPlain = true;
  let lengthAt = 0;
  for (const { nameEnd, valueEnd } of xattrsIn(data)) {
    if (data[lengthAt] === 0x80 || data[nameEnd] === 0x80) isPlain = false;
    lengthAt = valueEnd;
  }
  return isPlain;
}

/** The encoded attributes, if they were kept. */
export function keptXattrs(meta: Meta & Keeping): Uint8Array | undefined {
  return meta[KEPT];
}

/** One attribute, without decoding the others; undefined if it is absent. */
export function xattrOf(meta: Meta & Keeping, name: Octets): Uint8Array | undefined {
  const data = meta[KEPT];
  if (data === undefined) return meta.xattrs?.get(name);
  const wanted = Buffer.from(name, 'latin1');
  for (const { nameAt, nameEnd, valueAt, valueEnd } of xattrsIn(data))
    if (nameEnd - nameAt === wanted.length && wanted.equals(data.subarray(nameAt, nameEnd)))
      return new Uint8Array(data.subarray(valueAt, valueEnd));
  return undefined;
}

/** The names of the attributes. @returns undefined if all of them, each followed by a NUL, take more than `maxSize` bytes */
export function xattrNames(meta: Meta & Keeping, maxSize: number): Octets[] | undefined {
  const data = meta[KEPT];
  const names: Octets[] = [];
  let size = 0;
  for (const name of data === undefined ? (meta.xattrs?.keys() ?? []) : namesIn(data)) {
    size += name.length + 1;
    if (size > maxSize) return undefined;
    names.push(name);
  }
  return names;
}

function* namesIn(data: Uint8Array): Generator<Octets> {
  for (const { nameAt, nameEnd } of xattrsIn(data)) yield octetsFromBytes(data.subarray(nameAt, nameEnd));
}
