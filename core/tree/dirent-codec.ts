import type { Decoded } from '../base/bsuint.ts';
import { bsuintSize, encodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { octetsToBytes } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { blockrefBody } from '../block/blockref.ts';
import type { Dirent } from './dirent.ts';
import { decodeOurDirent } from './dirent-decode.ts';
import { assembleDirent } from './dirent-fields.ts';
import { DIRENT_KINDS, DIRENT_MAGIC, DIRENT_VERSION, MAX_FIELDS, TAG } from './dirent-tags.ts';
import type { Meta } from './meta.ts';
import { decodePythonDirent, startsPythonDirent } from './python-vt/dirent.ts';
import { encodeTime } from './time-codec.ts';
import { uuidToBytes } from './uuid.ts';
import { encodeXattrs } from './xattrs-codec.ts';

// Dirents in bytes: bsdata { 'v', version, kind, count of fields, fields ascending by tag }; a field is a bsuint tag and
// a bsdata value. @see vt(5), "Dirents"

type Field = readonly [tag: number, value: Uint8Array];

/** A Dirent in new bytes. @throws {RangeError} for a name, number or field that no Dirent can have */
export function encodeDirent(dirent: Dirent): Buffer {
  const writer = new ByteWriter(192);
  writeDirent(writer, dirent);
  return writer.take();
}

/** Writes a Dirent, with its length in front. @throws {RangeError} as {@link encodeDirent} */
export function writeDirent(writer: ByteWriter, dirent: Dirent): void {
  const fail = (what: string): RangeError => new RangeError(`encode Dirent: ${what}`);
  assembleDirent(dirent.kind, dirent, fail);
  const fields = [...ownFields(dirent), ...metaFields(dirent.meta, fail), ...countFields(dirent, fail)];
  for (const { tag, value } of dirent.unknown ?? []) fields.push([tag, value]);
  if (fields.length > MAX_FIELDS) throw fail(`${fields.length} fields`);
  fields.sort(([a], [b]) => a - b);
  let size = 4;
  for (const [tag, value] of fields) size += bsuintSize(tag) + bsuintSize(value.length) + value.length;
  writer.bsuint(size);
  writer.octet(DIRENT_MAGIC);
  writer.octet(DIRENT_VERSION);
  writer.octet(DIRENT_KINDS.indexOf(dirent.kind));
  writer.octet(fields.length);
  for (const [tag, value] of fields) {
    writer.bsuint(tag);
    writer.bsdata(value);
  }
}

/**
 * Decodes a Dirent: ours or the Python vt's, which its first octet tells. What it holds of bytes is copied.
 *
 * @throws {ParseError} if it is cut short or breaks its grammar
 * @throws {VtError} EUNSUPPORTED for a later version, an unknown kind or an unknown critical field
 */
export function decodeDirent(data: Uint8Array, offset: number): Decoded<Dirent> {
  return startsPythonDirent(data, offset) ? decodePythonDirent(data, offset) : decodeOurDirent(data, offset);
}

function ownFields(dirent: Dirent): Field[] {
  const fields: Field[] = [];
  if (dirent.name !== '') fields.push([TAG.name, octetsToBytes(dirent.name)]);
  if ((dirent.kind === 'file' || dirent.kind === 'dir') && !isEmpty(dirent.block)) fields.push([TAG.block, blockrefBody(dirent.block)]);
  if (dirent.uuid !== undefined) fields.push([TAG.uuid, uuidToBytes(dirent.uuid)]);
  if (dirent.prev !== undefined) fields.push([TAG.prev, blockrefBody(dirent.prev)]);
  if (dirent.kind === 'symlink') fields.push([TAG.target, octetsToBytes(dirent.target)]);
  if (dirent.kind === 'dir') {
    if (dirent.inodes !== undefined) fields.push([TAG.inodes, blockrefBody(dirent.inodes)]);
    if (dirent.salt !== undefined) fields.push([TAG.salt, dirent.salt]);
  }
  return fields;
}

/** Bytes that stand in the reference are none: such a block is left out. */
function isEmpty(block: Block): boolean {
  return block.kind === 'literal' && block.data.length === 0;
}

function metaFields(meta: Meta, fail: (what: string) => RangeError): Field[] {
  const fields: Field[] = [];
  const number = (tag: number, value: number | undefined, what: string, max: number): void => {
    if (value !== undefined) fields.push([tag, encodeNumber(value, what, max, fail)]);
  };
  if (meta.rdev !== undefined) {
    const major = encodeNumber(meta.rdev.major, 'major device number', 2 ** 32 - 1, fail);
    fields.push([TAG.rdev, Buffer.concat([major, encodeNumber(meta.rdev.minor, 'minor device number', 2 ** 32 - 1, fail)])]);
  }
  if (meta.xattrs !== undefined && meta.xattrs.size > 0) fields.push([TAG.xattrs, encodeXattrs(meta.xattrs)]);
  number(TAG.mode, meta.mode, 'mode', 0o7777);
  number(TAG.uid, meta.uid, 'uid', 2 ** 32 - 1);
  number(TAG.gid, meta.gid, 'gid', 2 ** 32 - 1);
  if (meta.user !== undefined) fields.push([TAG.user, octetsToBytes(meta.user)]);
  if (meta.group !== undefined) fields.push([TAG.group, octetsToBytes(meta.group)]);
  if (meta.mtimeNs !== undefined) fields.push([TAG.mtime, encodeTime(meta.mtimeNs)]);
  if (meta.ctimeNs !== undefined) fields.push([TAG.ctime, encodeTime(meta.ctimeNs)]);
  if (meta.btimeNs !== undefined) fields.push([TAG.btime, encodeTime(meta.btimeNs)]);
  return fields;
}

function countFields(dirent: Dirent, fail: (what: string) => RangeError): Field[] {
  const fields: Field[] = [];
  if (dirent.nlink !== undefined) fields.push([TAG.nlink, encodeNumber(dirent.nlink, 'nlink', Number.MAX_SAFE_INTEGER, fail)]);
  if (dirent.kind === 'dir' && dirent.links !== undefined && dirent.links !== 0) {
    fields.push([TAG.links, encodeNumber(dirent.links, 'links', Number.MAX_SAFE_INTEGER, fail)]);
  }
  return fields;
}

function encodeNumber(value: number, what: string, max: number, fail: (what: string) => RangeError): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > max) throw fail(`${what} ${value}`);
  return encodeBsuint(value);
}
