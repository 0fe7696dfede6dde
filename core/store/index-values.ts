import { crc32 } from 'node:zlib';
import { MAX_DIGEST_SIZE } from '../block/hash.ts';
import { codecByNumber, codecNumber } from './datafile.ts';
import type { FileMarks, Location } from './index-types.ts';

// The values of a datadir's index in bytes: each ends with a CRC of its key and of itself.

/** Octets of a location: u32 file, u48 offset, u32 stored size, u32 size, u8 codec, u32 CRC-32; all big-endian. */
const LOCATION_SIZE = 23;
/** In the codec's octet. */
const DAMAGED_FLAG = 0x80;
const CODEC_MASK = 0x7f;
/** The CRC at the end of every value: of the key and of the value before it. */
const CRC_SIZE = 4;
/** Octets of a file's marks: u32 number, u48 indexed-to, u48 seen size, u32 CRC-32. */
const MARKS_SIZE = 20;

/** Digest and location, one behind the other: what the CRC is of. */
const sealed = Buffer.alloc(MAX_DIGEST_SIZE + LOCATION_SIZE);
const sealedNumbers = new DataView(sealed.buffer, sealed.byteOffset, sealed.length);

/**
 * A Block's location; its file by number. Whoever indexes 100,000 Blocks encodes as many: a view of one buffer takes a third of the time that
 * a new one takes.
 *
 * @returns valid until the next one is encoded
 */
export function encodeLocation(digest: Uint8Array, location: Location, file: number): Buffer {
  const at = digest.length;
  sealed.set(digest);
  sealedNumbers.setUint32(at, file);
  sealedNumbers.setUint16(at + 4, Math.floor(location.offset / 2 ** 32));
  sealedNumbers.setUint32(at + 6, location.offset % 2 ** 32);
  sealedNumbers.setUint32(at + 10, location.storedSize);
  sealedNumbers.setUint32(at + 14, location.size);
  sealedNumbers.setUint8(at + 18, (codecNumber(location.codec) & CODEC_MASK) | (location.isDamaged === true ? DAMAGED_FLAG : 0));
  const end = at + LOCATION_SIZE - CRC_SIZE;
  sealedNumbers.setUint32(end, crc32(sealed.subarray(0, end)));
  return sealed.subarray(at, end + CRC_SIZE);
}

/** A location, of a value that {@link isLocation}. */
export function decodeLocation(value: Buffer, fileOf: (number: number) => string): Location {
  const offset = value.readUIntBE(4, 6);
  const storedSize = value.readUInt32BE(10);
  const size = value.readUInt32BE(14);
  const codec = codecByNumber(value.readUInt8(18) & CODEC_MASK);
  const location = { file: fileOf(value.readUInt32BE(0)), offset, storedSize, size, codec };
  return isDamagedLocation(value) ? { ...location, isDamaged: true } : location;
}

/** Whether a value is that of a location, undamaged itself. */
export function isLocation(digest: Uint8Array, value: Buffer): boolean {
  return value.length === LOCATION_SIZE && isWhole(digest, value);
}

/** Whether the Block that lies there is known to be damaged. */
export function isDamagedLocation(value: Buffer): boolean {
  return (value.readUInt8(18) & DAMAGED_FLAG) !== 0;
}

/** A value of the cache, of what stands behind its key; undefined where that is damaged. */
export function withoutCrc(key: Uint8Array, value: Buffer): Uint8Array | undefined {
  return isWhole(key, value) ? value.subarray(0, -CRC_SIZE) : undefined;
}

/** The marks of a file and its number. */
export function encodeMarks(name: string, number: number, marks: FileMarks): Buffer {
  const value = Buffer.allocUnsafe(MARKS_SIZE);
  value.writeUInt32BE(number, 0);
  value.writeUIntBE(marks.indexedTo, 4, 6);
  value.writeUIntBE(marks.seenSize, 10, 6);
  return seal(Buffer.from(name), value);
}

/** Whether a value is that of a file's marks, undamaged. */
export function isMarks(key: Uint8Array, value: Buffer): boolean {
  return value.length === MARKS_SIZE && isWhole(key, value);
}

function seal(key: Uint8Array, value: Buffer): Buffer {
  const end = value.length - CRC_SIZE;
  value.writeUInt32BE(crc32(value.subarray(0, end), crc32(key)), end);
  return value;
}

function isWhole(key: Uint8Array, value: Buffer): boolean {
  const end = value.length - CRC_SIZE;
  return end >= 0 && value.readUInt32BE(end) === crc32(value.subarray(0, end), crc32(key));
}

/** A value with its CRC behind it. */
export function withCrc(key: Uint8Array, value: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(value.length + CRC_SIZE);
  out.set(value);
  return seal(key, out);
}
