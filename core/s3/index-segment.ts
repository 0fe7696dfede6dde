import { crc32 } from '../base/crc32.ts';
import { ParseError, VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import type { HashFunction } from '../block/hash.ts';
import { DatafileIndex } from '../store/records/datafile-index.ts';
import type { PackKind, PackName } from './pack-names.ts';

// An index segment lists the Blocks of some packs and their places. @see vt(5), "Stores in buckets"

const MAGIC = Buffer.from('89767469' + '0d0a1a0a', 'hex');
const VERSION = 1;
const HEADER_SIZE = 16;
const SECTION_HEADER_SIZE = 24;
/** Octets of an entry after its digest, as in the index of a pack. */
const PLACE_SIZE = 16;

/** A pack as listed in a segment. */
export interface IndexedPack {
  readonly name: PackName;
  /** Octets of its object. */
  readonly size: number;
  readonly index: DatafileIndex;
}

/** Encodes a segment of packs of one kind. */
export function encodeSegment(kind: PackKind, packs: readonly IndexedPack[], hash: HashFunction): Buffer {
  const parts: Buffer[] = [];
  for (const { name, size, index } of packs) {
    const head = Buffer.alloc(SECTION_HEADER_SIZE);
    Buffer.from(name.slice(2), 'hex').copy(head);
    head.writeUInt32LE(size, 16);
    head.writeUInt32LE(index.count, 20);
    parts.push(head);
    appendAll(parts, index.parts);
  }
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(HEADER_SIZE);
  MAGIC.copy(head);
  head[8] = VERSION;
  head[9] = hash.enumeration;
  head[10] = kind.charCodeAt(0);
  head.writeUInt32LE(crc32(body), 12);
  return Buffer.concat([head, body]);
}

/**
 * Decodes a segment into its packs.
 *
 * @throws {ParseError} if it is damaged, {VtError} EUNSUPPORTED for a later version
 */
export function decodeSegment(data: Buffer, hash: HashFunction): IndexedPack[] {
  if (data.length < HEADER_SIZE || !data.subarray(0, 8).equals(MAGIC))
    throw new ParseError('read index segment: it does not start as one', 0);
  if (data.readUInt8(8) > VERSION)
    throw new VtError('EUNSUPPORTED', `read index segment: its version is ${data.readUInt8(8)}`, { remedy: 'use a later vtftp' });
  if (data.readUInt8(9) !== hash.enumeration) throw new ParseError('read index segment: it is of another hash function', 9);
  const body = data.subarray(HEADER_SIZE);
  if (crc32(body) !== data.readUInt32LE(12)) throw new ParseError('read index segment: its checksum does not match', 12);
  const kind = String.fromCharCode(data.readUInt8(10));
  const packs: IndexedPack[] = [];
  for (let at = 0; at < body.length; ) {
    if (at + SECTION_HEADER_SIZE > body.length) throw new ParseError('read index segment: it is cut short', HEADER_SIZE + at);
    const name = `${kind}-${body.toString('hex', at, at + 16)}`;
    const size = body.readUInt32LE(at + 16);
    const end = at + SECTION_HEADER_SIZE + body.readUInt32LE(at + 20) * (hash.digestSize + PLACE_SIZE);
    if (end > body.length) throw new ParseError('read index segment: it is cut short', HEADER_SIZE + at);
    const entries = body.subarray(at + SECTION_HEADER_SIZE, end);
    packs.push({ name, size, index: new DatafileIndex(hash.digestSize, entries.length === 0 ? [] : [entries]) });
    at = end;
  }
  return packs;
}
