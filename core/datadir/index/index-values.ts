import { codecByNumber, codecNumber } from '../../store/records/datafile.ts';
import type { Location } from './index-types.ts';

// The values of a datadir's index, in bytes.

/** Bytes of a location: u32 file, u48 offset, u32 stored size, u32 size, u8 codec; all big-endian. */
const LOCATION_SIZE = 19;
/** In the codec's byte. */
const DAMAGED_FLAG = 0x80;
const CODEC_MASK = 0x7f;
/** Bytes of the place of a value: u48 offset, u32 size, u32 CRC-32 of the value; all big-endian. */
const PLACE_SIZE = 14;

const location = Buffer.alloc(LOCATION_SIZE);
const numbers = new DataView(location.buffer, location.byteOffset, location.length);

/**
 * A Block's location; its file by number, from 1 on. An index of 100,000 Blocks encodes as many: a view of one buffer takes a
 * third of the time that a new one takes.
 *
 * @returns valid until the next one is encoded
 */
export function encodeLocation({ offset, storedSize, size, codec, isDamaged }: Location, file: number): Buffer {
  numbers.setUint32(0, file);
  numbers.setUint16(4, Math.floor(offset / 2 ** 32));
  numbers.setUint32(6, offset % 2 ** 32);
  numbers.setUint32(10, storedSize);
  numbers.setUint32(14, size);
  numbers.setUint8(18, (codecNumber(codec) & CODEC_MASK) | (isDamaged === true ? DAMAGED_FLAG : 0));
  return location;
}

/** The value of a record that takes away what older ones say of a Block. */
export const NO_LOCATION: Buffer = Buffer.alloc(LOCATION_SIZE);

/** Whether a value says that there is no such Block. @param at - where it is */
export function isNoLocation(octets: Buffer, at: number): boolean {
  return octets.readUInt32BE(at) === 0;
}

/** Whether the Block that is there is known to be damaged, or was set aside. @param at - where the location is */
export function isDamagedLocation(octets: Buffer, at: number): boolean {
  return (octets.readUInt8(at + 18) & DAMAGED_FLAG) !== 0;
}

/** A location. @param at - where it is */
export function decodeLocation(octets: Buffer, at: number, fileOf: (number: number) => string): Location {
  const found = {
    file: fileOf(octets.readUInt32BE(at)),
    offset: octets.readUIntBE(at + 4, 6),
    storedSize: octets.readUInt32BE(at + 10),
    size: octets.readUInt32BE(at + 14),
    codec: codecByNumber(octets.readUInt8(at + 18) & CODEC_MASK),
  };
  return isDamagedLocation(octets, at) ? { ...found, isDamaged: true } : found;
}

/** Where a value of the cache is. */
export interface ValuePlace {
  readonly offset: number;
  readonly size: number;
  readonly crc: number;
}

/** Encodes where a value is. */
export function encodePlace({ offset, size, crc }: ValuePlace): Buffer {
  const out = Buffer.allocUnsafe(PLACE_SIZE);
  out.writeUIntBE(offset, 0, 6);
  out.writeUInt32BE(size, 6);
  out.writeUInt32BE(crc, 10);
  return out;
}

/** Decodes where a value is. @param at - where that is */
export function decodePlace(octets: Buffer, at: number): ValuePlace {
  return { offset: octets.readUIntBE(at, 6), size: octets.readUInt32BE(at + 6), crc: octets.readUInt32BE(at + 10) };
}
