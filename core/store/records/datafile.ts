import { crc32 } from 'node:zlib';
import { uuidFromBytes, uuidToBytes } from '../../base/uuid.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByEnumeration, hashByName, MAX_STORED_SIZE } from '../../block/hash.ts';
import type { BlockLocation } from '../block-location.ts';

// The format of a .vtd file: a header, then records, which are appended and never changed. @see vt(5), "Data files"

/** First octets of a .vtd. Like PNG's, they reveal a transfer that stripped bits or changed line ends. */
export const DATAFILE_MAGIC: Buffer = Buffer.from('89767464' + '0d0a1a0a', 'hex');
const DATAFILE_VERSION = 1;
/** Size of a .vtd's header in octets. */
export const DATAFILE_HEADER_SIZE = 64;
/** First octets of every record. */
export const RECORD_MAGIC: Buffer = Buffer.from('vtR1', 'latin1');
/** Octets of a record's header before its digest. */
export const RECORD_FIXED_SIZE = 24;

/** The encoding of stored bytes. `unknown`: one that this version does not know. */
export type Codec = BlockLocation['codec'] | 'unknown';
const CODECS: readonly Codec[] = ['none', 'zlib', 'zstd', 'part'];
/** The codec number of a gap, as octets that gc has freed. */
const GAP_CODEC = 125;
const UNKNOWN_CODEC = 127;

/** The number of a codec in a record. */
export function codecNumber(codec: Codec): number {
  return codec === 'unknown' ? UNKNOWN_CODEC : CODECS.indexOf(codec);
}

/** The codec with this number. */
export function codecByNumber(number: number): Codec {
  return CODECS[number] ?? 'unknown';
}

/** The contents of a .vtd's header. */
export interface DatafileHeader {
  readonly hashName: HashName;
  /** A UUID: 16 octets in hex with dashes. */
  readonly storeId: string;
  readonly fileId: string;
  /** Nanoseconds since 1970. */
  readonly createdNs: bigint;
  /** Whether it is a one-file Store: its first record, and each record after a footer, is the Dirent of a state. */
  readonly isOneFile?: boolean;
}

/** A flag in the header's octet 10: a one-file Store. */
const FLAG_ONE_FILE = 1;

/** Encodes the header of a .vtd: 64 octets. */
export function encodeDatafileHeader(header: DatafileHeader): Buffer {
  const out = Buffer.alloc(DATAFILE_HEADER_SIZE);
  DATAFILE_MAGIC.copy(out, 0);
  out[8] = DATAFILE_VERSION;
  out[9] = hashByName(header.hashName).enumeration;
  out[10] = header.isOneFile === true ? FLAG_ONE_FILE : 0;
  uuidToBytes(header.storeId).copy(out, 16);
  uuidToBytes(header.fileId).copy(out, 32);
  out.writeBigUInt64LE(header.createdNs, 48);
  out.writeUInt32LE(crc32(out.subarray(0, 60)), 60);
  return out;
}

/** The kinds of first octets of a file. */
export type DatafileStart =
  | { readonly kind: 'header'; readonly header: DatafileHeader }
  /** Fewer octets than a header: the file is being created, or its creator died. */
  | { readonly kind: 'short' }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'damaged'; readonly reason: string };

/** Decodes the first octets of a .vtd. */
export function decodeDatafileHeader(data: Buffer): DatafileStart {
  if (data.length < DATAFILE_HEADER_SIZE) return { kind: 'short' };
  if (!data.subarray(0, 8).equals(DATAFILE_MAGIC)) return { kind: 'damaged', reason: 'it does not start like a .vtd file' };
  if (data.readUInt32LE(60) !== crc32(data.subarray(0, 60)))
    return { kind: 'damaged', reason: 'the checksum of its header does not match' };
  const version = data.readUInt8(8);
  if (version > DATAFILE_VERSION) return { kind: 'newer', version };
  const hash = hashByEnumeration(data.readUInt8(9));
  if (version < 1 || hash === undefined) return { kind: 'damaged', reason: 'its header is malformed' };
  const storeId = uuidFromBytes(data.subarray(16, 32));
  const fileId = uuidFromBytes(data.subarray(32, 48));
  const oneFile = (data.readUInt8(10) & FLAG_ONE_FILE) === 0 ? {} : { isOneFile: true };
  return { kind: 'header', header: { hashName: hash.name, storeId, fileId, createdNs: data.readBigUInt64LE(48), ...oneFile } };
}

/** Kinds of gaps: octets that gc has freed, a part of the index or the footer of a one-file Store, or a frame. */
export const GAP_KIND = { freed: 0, index: 1, footer: 2, frame: 3 } as const;

/** A record's header. */
export interface RecordHeader {
  /** It is a gap and no record: readers skip the octets after it. Its `size` is one of {@link GAP_KIND}. */
  readonly isGap: boolean;
  readonly codec: Codec;
  /** Octets that follow the header. */
  readonly storedSize: number;
  /** Octets of the Block, 0..MAX_STORED_SIZE. */
  readonly size: number;
  /** CRC-32 of the stored octets. */
  readonly payloadCrc: number;
  /** A view of the bytes decoded. */
  readonly digest: Buffer;
}

/**
 * Writes a record's header: {@link RECORD_FIXED_SIZE} octets and the digest.
 *
 * @returns the offset just past it
 */
export function writeRecordHeader(
  target: Buffer,
  offset: number,
  codec: Codec,
  storedSize: number,
  size: number,
  payloadCrc: number,
  digest: Uint8Array,
): number {
  const end = offset + RECORD_FIXED_SIZE + digest.length;
  RECORD_MAGIC.copy(target, offset);
  target.writeUInt32LE(codecNumber(codec), offset + 8);
  target.writeUInt32LE(storedSize, offset + 12);
  target.writeUInt32LE(size, offset + 16);
  target.writeUInt32LE(payloadCrc, offset + 20);
  target.set(digest, offset + RECORD_FIXED_SIZE);
  target.writeUInt32LE(crc32(target.subarray(offset + 8, end)), offset + 4);
  return end;
}

/**
 * Writes the header of a gap, with which readers skip octets that are no record.
 *
 * @param size - octets after the header
 * @param kind - one of {@link GAP_KIND}
 * @param payloadCrc - CRC-32 of the octets after it, if they have a meaning
 * @returns octets written
 */
export function writeGapHeader(target: Buffer, digestSize: number, size: number, kind: number = GAP_KIND.freed, payloadCrc = 0): number {
  const end = RECORD_FIXED_SIZE + digestSize;
  target.fill(0, 0, end);
  RECORD_MAGIC.copy(target, 0);
  target.writeUInt32LE(GAP_CODEC, 8);
  target.writeUInt32LE(size, 12);
  target.writeUInt32LE(kind, 16);
  target.writeUInt32LE(payloadCrc, PAYLOAD_CRC_OFFSET);
  target.writeUInt32LE(crc32(target.subarray(8, end)), 4);
  return end;
}

/** Encodes a gap with a payload; readers that do not know its kind skip it. */
export function encodeGap(kind: number, digestSize: number, payload: Uint8Array): Buffer {
  const end = RECORD_FIXED_SIZE + digestSize;
  const out = Buffer.alloc(end + payload.length);
  writeGapHeader(out, digestSize, payload.length, kind, crc32(payload));
  out.set(payload, end);
  return out;
}

/**
 * Decodes a record's header; undefined if it is incomplete or damaged.
 *
 * @param digestSize - octets of the Store's digests
 */
export function decodeRecordHeader(data: Buffer, offset: number, digestSize: number): RecordHeader | undefined {
  const end = offset + RECORD_FIXED_SIZE + digestSize;
  if (end > data.length || data.readUInt32LE(offset) !== RECORD_MAGIC_NUMBER) return undefined;
  if (data.readUInt32LE(offset + 4) !== crc32(data.subarray(offset + 8, end))) return undefined;
  const codecWord = data.readUInt32LE(offset + 8);
  const storedSize = data.readUInt32LE(offset + 12);
  const size = data.readUInt32LE(offset + 16);
  if (size > MAX_STORED_SIZE || storedSize > MAX_STORED_SIZE || (codecWord === 0 && storedSize !== size)) return undefined;
  const payloadCrc = data.readUInt32LE(offset + PAYLOAD_CRC_OFFSET);
  return {
    isGap: codecWord === GAP_CODEC,
    codec: codecByNumber(codecWord),
    storedSize,
    size,
    payloadCrc,
    digest: data.subarray(offset + RECORD_FIXED_SIZE, end),
  };
}

/** Offset in a record of the CRC of its stored octets. */
export const PAYLOAD_CRC_OFFSET = 20;

const RECORD_MAGIC_NUMBER = RECORD_MAGIC.readUInt32LE(0);
