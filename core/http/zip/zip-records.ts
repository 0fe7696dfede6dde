import type { Octets } from '../../base/octets.ts';
import { octetsToBytes, octetsToTextStrict } from '../../base/octets.ts';
import { defaultMode } from '../../dirent/meta.ts';
import type { TarNode } from '../tar/tar-header.ts';

// The records of a zip, by the .ZIP File Format Specification (APPNOTE.TXT) of PKWARE, 6.3. Contents are stored uncompressed.

/** Values beyond a field of 32 or 16 bits are in a zip64 record. */
const MAX_LONG = 0xffff_ffff;
const MAX_SHORT = 0xffff;

const SYMLINK_TYPE = 0o120000;
const DIR_TYPE = 0o040000;
const FILE_TYPE = 0o100000;

/** Flags: the CRC follows the content; the name is UTF-8. */
const CRC_FOLLOWS = 0x0008;
const NAME_IS_UTF8 = 0x0800;

/** A member of a zip. */
export interface ZipMember {
  /** A Dir's has a slash at its end. */
  readonly path: Octets;
  readonly node: Extract<TarNode, { kind: 'file' | 'dir' | 'symlink' }>;
}

/** Bytes of a member's content; for a symlink the length of its target. */
export function zipContentSize({ node }: ZipMember): number {
  return node.kind === 'file' ? node.block.span : node.kind === 'symlink' ? node.target.length : 0;
}

/** Bytes of a member: header, content, and data descriptor. */
export function memberSize(member: ZipMember): number {
  return localHeaderSize(member) + zipContentSize(member) + dataDescriptorSize(member);
}

/** Bytes of {@link localHeader}. */
export function localHeaderSize(member: ZipMember): number {
  return 30 + member.path.length + timeFieldSize(member) + (zipContentSize(member) >= MAX_LONG ? 20 : 0);
}

/** Bytes of {@link dataDescriptor}. */
export function dataDescriptorSize(member: ZipMember): number {
  if (member.node.kind === 'dir') return 0;
  return zipContentSize(member) >= MAX_LONG ? 24 : 16;
}

/** Bytes of a member's record in the directory. */
export function directoryRecordSize(member: ZipMember, offset: number): number {
  const large = (zipContentSize(member) >= MAX_LONG ? 16 : 0) + (offset >= MAX_LONG ? 8 : 0);
  return 46 + member.path.length + timeFieldSize(member) + (large > 0 ? 4 + large : 0);
}

/** The header before a member's content. */
export function localHeader(member: ZipMember): Buffer {
  const size = zipContentSize(member);
  const extra = Buffer.concat([timeField(member), size >= MAX_LONG ? zip64Field([size, size]) : Buffer.alloc(0)]);
  const name = octetsToBytes(member.path);
  const header = Buffer.alloc(30);
  header.write('PK\x03\x04', 0, 'latin1');
  commonFields(header, 4, member, size, 0);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** The data descriptor after a member's content; empty for a Dir. */
export function dataDescriptor(member: ZipMember, crc: number): Buffer {
  if (member.node.kind === 'dir') return Buffer.alloc(0);
  const size = zipContentSize(member);
  const isLarge = size >= MAX_LONG;
  const record = Buffer.alloc(isLarge ? 24 : 16);
  record.write('PK\x07\x08', 0, 'latin1');
  record.writeUInt32LE(crc, 4);
  for (const at of isLarge ? [8, 16] : [8, 12]) {
    if (isLarge) record.writeBigUInt64LE(BigInt(size), at);
    else record.writeUInt32LE(size, at);
  }
  return record;
}

/** A member's record in the central directory. @param offset - of its local header */
export function directoryRecord(member: ZipMember, crc: number, offset: number): Buffer {
  const { path, node } = member;
  const size = zipContentSize(member);
  const large = [...(size >= MAX_LONG ? [size, size] : []), ...(offset >= MAX_LONG ? [offset] : [])];
  const extra = Buffer.concat([timeField(member), large.length > 0 ? zip64Field(large) : Buffer.alloc(0)]);
  const name = octetsToBytes(path);
  const header = Buffer.alloc(46);
  header.write('PK\x01\x02', 0, 'latin1');
  header[4] = 45;
  header[5] = 3; // Unix: the mode is in the external attributes.
  commonFields(header, 6, member, size, crc);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  const type = node.kind === 'dir' ? DIR_TYPE : node.kind === 'symlink' ? SYMLINK_TYPE : FILE_TYPE;
  const mode = type | (node.kind === 'symlink' ? 0o777 : (node.meta.mode ?? defaultMode(node.kind)));
  header.writeUInt32LE((mode * 0x10000 + (node.kind === 'dir' ? 0x10 : 0)) >>> 0, 38);
  header.writeUInt32LE(Math.min(offset, MAX_LONG), 42);
  return Buffer.concat([header, name, extra]);
}

/**
 * The end of the central directory.
 *
 * @param count - of members
 * @param start - offset of the directory
 * @param size - of the directory in bytes
 */
export function directoryEnd(count: number, start: number, size: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(Math.min(count, MAX_SHORT), 8);
  end.writeUInt16LE(Math.min(count, MAX_SHORT), 10);
  end.writeUInt32LE(Math.min(size, MAX_LONG), 12);
  end.writeUInt32LE(Math.min(start, MAX_LONG), 16);
  if (count < MAX_SHORT && size < MAX_LONG && start < MAX_LONG) return end;
  const large = Buffer.alloc(56);
  large.write('PK\x06\x06', 0, 'latin1');
  large.writeBigUInt64LE(44n, 4);
  large.writeUInt16LE(0x032d, 12);
  large.writeUInt16LE(45, 14);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(size), 40);
  large.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 0, 'latin1');
  locator.writeBigUInt64LE(BigInt(start + size), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([large, locator, end]);
}

/** Writes the common fields of both headers of a member, from the needed version to the sizes. */
function commonFields(header: Buffer, at: number, { path, node }: ZipMember, size: number, crc: number): void {
  const isText = octetsToTextStrict(path) !== undefined;
  header.writeUInt16LE(size >= MAX_LONG ? 45 : 20, at);
  header.writeUInt16LE((node.kind === 'dir' ? 0 : CRC_FOLLOWS) | (isText ? NAME_IS_UTF8 : 0), at + 2);
  header.writeUInt32LE(dosTime(node.meta.mtimeNs), at + 6);
  header.writeUInt32LE(crc, at + 10);
  header.writeUInt32LE(Math.min(size, MAX_LONG), at + 14);
  header.writeUInt32LE(Math.min(size, MAX_LONG), at + 18);
}

/** Date and time in two 16-bit fields, time first: from 1980, in steps of two seconds. Most readers prefer the extended timestamp. */
function dosTime(ns: bigint | undefined): number {
  const date = new Date(Number((ns ?? 0n) / 1_000_000n));
  const year = date.getUTCFullYear();
  if (!(year >= 1980 && year <= 2107)) return (0x21 << 16) >>> 0;
  const day = ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

/** The mtime in seconds since 1970; undefined if 32 bits cannot hold it. */
function secondsOf({ node }: ZipMember): number | undefined {
  const { mtimeNs } = node.meta;
  const seconds = mtimeNs === undefined ? undefined : Number(mtimeNs / 1_000_000_000n);
  return seconds === undefined || seconds < -0x8000_0000 || seconds > 0x7fff_ffff ? undefined : seconds;
}

function timeFieldSize(member: ZipMember): number {
  return secondsOf(member) === undefined ? 0 : 9;
}

function timeField(member: ZipMember): Buffer {
  const seconds = secondsOf(member);
  if (seconds === undefined) return Buffer.alloc(0);
  const field = Buffer.alloc(9);
  field.write('UT', 0, 'latin1');
  field.writeUInt16LE(5, 2);
  field[4] = 1;
  field.writeInt32LE(seconds, 5);
  return field;
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [i, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  return field;
}
