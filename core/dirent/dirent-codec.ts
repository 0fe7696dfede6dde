import type { Decoded } from '../base/bsuint.ts';
import { bsuintSize } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import type { Octets } from '../base/octets.ts';
import { uuidToBytes } from '../base/uuid.ts';
import type { Block } from '../block/block.ts';
import { writeBlockrefBody } from '../block/blockref.ts';
import type { Dirent } from './dirent.ts';
import { decodeOurDirent } from './dirent-decode.ts';
import { assembleDirent } from './dirent-fields.ts';
import { DIRENT_KINDS, DIRENT_MAGIC, DIRENT_VERSION, MAX_FIELDS, TAG } from './dirent-tags.ts';
import { keptXattrs } from './kept-xattrs.ts';
import { decodePythonDirent, startsPythonDirent } from './python-vt/dirent.ts';
import { writeTime } from './time-codec.ts';
import { writeXattrs } from './xattrs-codec.ts';

// Dirents in bytes: bsdata { 'v', version, kind, count of fields, fields ascending by tag }. A field is a bsuint tag and a bsdata value.
// @see vt(5), "Dirents"

/** Encodes a Dirent with a length prefix. @throws {RangeError} for an invalid name, number or field */
export function encodeDirent(dirent: Dirent): Buffer {
  // An earlier call may have thrown halfway.
  scratch.reset();
  writeDirent(scratch, dirent);
  return scratch.take();
}

/** A shared buffer. To allocate one for each Dirent took more time than everything else. */
const scratch = new ByteWriter(1024);

/** Writes a Dirent with a length prefix. @throws {RangeError} as {@link encodeDirent} */
export function writeDirent(writer: ByteWriter, dirent: Dirent): void {
  assembleDirent(dirent.kind, dirent, fault);
  const start = writer.length;
  writer.octet(DIRENT_MAGIC);
  writer.octet(DIRENT_VERSION);
  writer.octet(DIRENT_KINDS.indexOf(dirent.kind));
  const countAt = writer.length;
  writer.octet(0);
  // Fields go directly to the writer, in the order of tags. To collect and sort them took three times as long.
  const fields = new FieldWriter(writer);
  writeCriticalFields(fields, dirent);
  writeOptionalFields(fields, dirent);
  for (const { tag, value } of dirent.unknown ?? []) fields.bytes(tag, value);
  if (fields.count > MAX_FIELDS) throw fault(`${fields.count} fields`);
  writer.setOctet(countAt, fields.count);
  writer.prefixLength(start);
}

function fault(what: string): RangeError {
  return new RangeError(`encode Dirent: ${what}`);
}

/**
 * Decodes a Dirent, ours or the Python vt's, depending on its first byte. Its bytes are copied.
 *
 * @throws {ParseError} if it is truncated or malformed
 * @throws {VtError} EUNSUPPORTED for a later version, an unknown kind or an unknown critical field
 */
export function decodeDirent(data: Uint8Array, offset: number): Decoded<Dirent> {
  return startsPythonDirent(data, offset) ? decodePythonDirent(data, offset) : decodeOurDirent(data, offset);
}

function writeCriticalFields(fields: FieldWriter, dirent: Dirent): void {
  const { meta } = dirent;
  if (dirent.name !== '') fields.octets(TAG.name, dirent.name);
  if ((dirent.kind === 'file' || dirent.kind === 'dir') && !isEmpty(dirent.block)) fields.block(TAG.block, dirent.block);
  if (dirent.uuid !== undefined) fields.bytes(TAG.uuid, uuidToBytes(dirent.uuid));
  if (dirent.kind === 'dir' && dirent.inodes !== undefined) fields.block(TAG.inodes, dirent.inodes);
  if (dirent.prev !== undefined) fields.block(TAG.prev, dirent.prev);
  if (dirent.kind === 'symlink') fields.octets(TAG.target, dirent.target);
  if (meta.rdev !== undefined) {
    const { major, minor } = meta.rdev;
    fields.value(TAG.rdev, (writer) => {
      writer.bsuint(checked('major device number', major, MAX_UNSIGNED_32));
      writer.bsuint(checked('minor device number', minor, MAX_UNSIGNED_32));
    });
  }
  const kept = keptXattrs(meta);
  if (kept !== undefined) fields.bytes(TAG.xattrs, kept);
  else if (meta.xattrs !== undefined && meta.xattrs.size > 0) {
    const { xattrs } = meta;
    fields.value(TAG.xattrs, (writer) => writeXattrs(writer, xattrs));
  }
  if (dirent.kind === 'dir' && dirent.salt !== undefined) fields.bytes(TAG.salt, dirent.salt);
}

/** Whether a block is the empty literal, which is not encoded. */
function isEmpty(block: Block): boolean {
  return block.kind === 'literal' && block.data.length === 0;
}

function writeOptionalFields(fields: FieldWriter, dirent: Dirent): void {
  const { mode, uid, gid, user, group, mtimeNs, ctimeNs, btimeNs } = dirent.meta;
  if (mode !== undefined) fields.number(TAG.mode, checked('mode', mode, 0o7777));
  if (uid !== undefined) fields.number(TAG.uid, checked('uid', uid, MAX_UNSIGNED_32));
  if (gid !== undefined) fields.number(TAG.gid, checked('gid', gid, MAX_UNSIGNED_32));
  if (user !== undefined) fields.octets(TAG.user, user);
  if (group !== undefined) fields.octets(TAG.group, group);
  if (mtimeNs !== undefined) fields.time(TAG.mtime, mtimeNs);
  if (ctimeNs !== undefined) fields.time(TAG.ctime, ctimeNs);
  if (btimeNs !== undefined) fields.time(TAG.btime, btimeNs);
  if (dirent.nlink !== undefined) fields.number(TAG.nlink, checked('nlink', dirent.nlink, Number.MAX_SAFE_INTEGER));
  if (dirent.kind === 'dir' && dirent.links !== undefined && dirent.links !== 0) {
    fields.number(TAG.links, checked('links', dirent.links, Number.MAX_SAFE_INTEGER));
  }
}

const MAX_UNSIGNED_32 = 2 ** 32 - 1;

function checked(what: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw fault(`${what} ${value}`);
  return value;
}

/** Writes fields and counts them. */
class FieldWriter {
  readonly #writer: ByteWriter;
  count = 0;

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  octets(tag: number, value: Octets): void {
    this.#start(tag);
    this.#writer.bsoctets(value);
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#start(tag);
    this.#writer.bsdata(value);
  }

  number(tag: number, value: number): void {
    this.#start(tag);
    this.#writer.octet(bsuintSize(value));
    this.#writer.bsuint(value);
  }

  block(tag: number, block: Block): void {
    const at = this.#start(tag);
    writeBlockrefBody(this.#writer, block);
    this.#writer.prefixLength(at);
  }

  time(tag: number, timeNs: bigint): void {
    const at = this.#start(tag);
    writeTime(this.#writer, timeNs);
    this.#writer.prefixLength(at);
  }

  value(tag: number, write: (writer: ByteWriter) => void): void {
    const at = this.#start(tag);
    write(this.#writer);
    this.#writer.prefixLength(at);
  }

  #start(tag: number): number {
    this.count++;
    this.#writer.bsuint(tag);
    return this.#writer.length;
  }
}
