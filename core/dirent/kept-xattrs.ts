import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { Meta } from './meta.ts';
import { decodeXattrs, xattrsIn } from './xattrs-codec.ts';

// Many extended attributes stay as they are in a Dirent until somebody asks for them all. Whoever lists the Dir, or looks for one of
// them, does not wait for a stranger's 65,536.

/** Bytes of attributes that are decoded at once: those of nearly all files. */
const MAX_AT_ONCE = 4096;

/** Under which metadata keeps the bytes of its attributes. Copies of it have the attributes, and not these. */
const KEPT = Symbol('kept xattrs');

interface Keeping {
  readonly [KEPT]?: Uint8Array;
}

/**
 * Gives metadata the extended attributes that `data` is all of.
 *
 * @throws {ParseError} as {@link xattrsIn}
 */
export function keepXattrs(meta: Keeping & { xattrs?: Meta['xattrs'] }, data: Uint8Array): void {
  if (data.length <= MAX_AT_ONCE) {
    meta.xattrs = decodeXattrs(data);
    return;
  }
  const kept = new Uint8Array(data);
  // Seen to be whole now, so that nobody finds out later that they are not.
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

/** Whether these are the bytes that we would write: no length has redundant bytes. @throws {ParseError} as {@link xattrsIn} */
function isWrittenPlainly(data: Uint8Array): boolean {
  let isPlain = true;
  let lengthAt = 0;
  for (const { nameEnd, valueEnd } of xattrsIn(data)) {
    if (data[lengthAt] === 0x80 || data[nameEnd] === 0x80) isPlain = false;
    lengthAt = valueEnd;
  }
  return isPlain;
}

/** The bytes of attributes as they are in a Dirent, where they are kept. */
export function keptXattrs(meta: Meta & Keeping): Uint8Array | undefined {
  return meta[KEPT];
}

/** One attribute. The others are not decoded for it. */
export function xattrOf(meta: Meta & Keeping, name: Octets): Uint8Array | undefined {
  const data = meta[KEPT];
  if (data === undefined) return meta.xattrs?.get(name);
  const wanted = Buffer.from(name, 'latin1');
  for (const { nameAt, nameEnd, valueAt, valueEnd } of xattrsIn(data))
    if (nameEnd - nameAt === wanted.length && wanted.equals(data.subarray(nameAt, nameEnd)))
      return new Uint8Array(data.subarray(valueAt, valueEnd));
  return undefined;
}

/** The names of the attributes. @returns undefined where they are longer in all, each with a NUL after it, than `maxSize` bytes */
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
