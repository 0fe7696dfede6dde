import type { Decoded } from '../base/bsuint.ts';
import { decodeBsuint } from '../base/bsuint.ts';
import { ParseError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { parseAt } from '../base/parse-at.ts';
import { UUID_SIZE, uuidFromBytes } from '../base/uuid.ts';
import type { Block } from '../block/block.ts';
import { decodeBlockrefBody } from '../block/blockref.ts';
import type { Dirent, UnknownField } from './dirent.ts';
import type { DirentFields } from './dirent-fields.ts';
import { assembleDirent } from './dirent-fields.ts';
import { DIRENT_KINDS, DIRENT_MAGIC, DIRENT_VERSION, FIRST_OPTIONAL_TAG, TAG } from './dirent-tags.ts';
import { keepXattrs } from './kept-xattrs.ts';
import type { Meta } from './meta.ts';
import { decodeTimeAt } from './time-codec.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Decodes a Dirent in our own encoding, with length prefix. @throws as {@link decodeDirentAt} */
export function decodeOurDirent(data: Uint8Array, offset: number): Decoded<Dirent> {
  const { value: size, next: start } = decodeBsuint(data, offset);
  if (size > data.length - start) {
    throw new ParseError(`decode Dirent: ${size} bytes announced, ${data.length - start} left`, offset);
  }
  return { value: decodeDirentAt(asBuffer(data), start, start + size), next: start + size };
}

/** A Buffer that shares the memory of `data`. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Decodes a Dirent in our own encoding, without length prefix, from `start` to `end`. Offsets of errors are those in `data`.
 *
 * @throws {ParseError} if it is malformed
 * @throws {VtError} EUNSUPPORTED for another version, an unknown kind or an unknown critical field
 */
export function decodeDirentAt(data: Buffer, start: number, end: number): Dirent {
  if (end - start < 4) throw new ParseError(`decode Dirent: ${end - start} bytes`, start);
  const magic = data[start] ?? 0;
  if (magic !== DIRENT_MAGIC)
    throw new ParseError(`decode Dirent: expected 0x${DIRENT_MAGIC.toString(16)}, found 0x${magic.toString(16)}`, start);
  const version = data[start + 1];
  if (version !== DIRENT_VERSION)
    throw new VtError('EUNSUPPORTED', `decode Dirent: version ${version}, this program knows ${DIRENT_VERSION}`);
  const kind = DIRENT_KINDS[data[start + 2] ?? 0];
  if (kind === undefined) throw new VtError('EUNSUPPORTED', `decode Dirent: unknown kind ${data[start + 2]}`);

  const decoder = new FieldDecoder(data);
  let offset = start + 4;
  let lastTag = 0;
  for (let i = data[start + 3] ?? 0; i > 0; i--) {
    const { value: tag, next: sizeAt } = decodeBsuint(data, offset);
    if (tag <= lastTag) throw new ParseError(`decode Dirent: field ${tag} after field ${lastTag}`, offset);
    const { value: size, next: valueAt } = decodeBsuint(data, sizeAt);
    if (valueAt + size > end) throw new ParseError(`decode Dirent: field ${tag} exceeds the Dirent`, offset);
    decoder.decode(tag, valueAt, valueAt + size);
    lastTag = tag;
    offset = valueAt + size;
  }
  if (offset !== end) throw new ParseError(`decode Dirent: ${end - offset} bytes too many`, offset);
  return assembleDirent(kind, decoder.fields, (what) => new ParseError(`decode Dirent: ${what}`, start + 4));
}

/** Collects fields. They are decoded in place, because making a view of each took 50 % more time. */
class FieldDecoder {
  readonly #data: Buffer;
  readonly #meta: Writable<Meta> = {};
  readonly #unknown: UnknownField[] = [];
  readonly fields: DirentFields = { meta: this.#meta, unknown: this.#unknown };

  constructor(data: Buffer) {
    this.#data = data;
  }

  decode(tag: number, start: number, end: number): void {
    const { fields } = this;
    const meta = this.#meta;
    switch (tag) {
      case TAG.name:
        fields.name = this.#octets(start, end);
        if (start === end) throw new ParseError('decode Dirent: an empty name', start);
        break;
      case TAG.block:
        fields.block = this.#block(start, end);
        break;
      case TAG.uuid:
        if (end - start !== UUID_SIZE) throw new ParseError(`decode Dirent: a uuid of ${end - start} bytes`, start);
        fields.uuid = uuidFromBytes(this.#view(start, end));
        break;
      case TAG.inodes:
        fields.inodes = this.#block(start, end);
        break;
      case TAG.prev:
        fields.prev = this.#block(start, end);
        break;
      case TAG.target:
        fields.target = this.#octets(start, end);
        break;
      case TAG.rdev:
        meta.rdev = this.#rdev(start, end);
        break;
      case TAG.xattrs:
        parseAt(start, () => keepXattrs(meta, this.#view(start, end)));
        if (start === end) throw new ParseError('decode Dirent: empty xattrs', start);
        break;
      case TAG.salt:
        fields.salt = this.#copy(start, end);
        break;
      case TAG.mode:
        meta.mode = this.#number(start, end, 'mode', 0o7777);
        break;
      case TAG.uid:
        meta.uid = this.#number(start, end, 'uid', MAX_UNSIGNED_32);
        break;
      case TAG.gid:
        meta.gid = this.#number(start, end, 'gid', MAX_UNSIGNED_32);
        break;
      case TAG.user:
        meta.user = this.#octets(start, end);
        break;
      case TAG.group:
        meta.group = this.#octets(start, end);
        break;
      case TAG.mtime:
        meta.mtimeNs = decodeTimeAt(this.#data, start, end);
        break;
      case TAG.ctime:
        meta.ctimeNs = decodeTimeAt(this.#data, start, end);
        break;
      case TAG.btime:
        meta.btimeNs = decodeTimeAt(this.#data, start, end);
        break;
      case TAG.nlink:
        fields.nlink = this.#number(start, end, 'nlink', Number.MAX_SAFE_INTEGER);
        break;
      case TAG.links:
        fields.links = this.#number(start, end, 'links', Number.MAX_SAFE_INTEGER);
        break;
      default:
        if (tag < FIRST_OPTIONAL_TAG) throw new VtError('EUNSUPPORTED', `decode Dirent: unknown critical field ${tag}`);
        this.#unknown.push({ tag, value: this.#copy(start, end) });
    }
  }

  #view(start: number, end: number): Uint8Array {
    return this.#data.subarray(start, end);
  }

  #copy(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#view(start, end));
  }

  #octets(start: number, end: number): Octets {
    return this.#data.toString('latin1', start, end) as Octets;
  }

  #block(start: number, end: number): Block {
    return decodeBlockrefBody(this.#view(start, end), start);
  }

  /** Decodes a bsuint that fills the whole value. */
  #number(start: number, end: number, what: string, max: number): number {
    const { value, next } = decodeBsuint(this.#data, start);
    if (next !== end) throw new ParseError(`decode Dirent: ${what} is no integer of ${end - start} bytes`, start);
    if (value > max) throw new ParseError(`decode Dirent: ${what} ${value}`, start);
    return value;
  }

  #rdev(start: number, end: number): { major: number; minor: number } {
    const { value: major, next } = decodeBsuint(this.#data, start);
    if (major > MAX_UNSIGNED_32) throw new ParseError(`decode Dirent: major device number ${major}`, start);
    return { major, minor: this.#number(next, end, 'minor device number', MAX_UNSIGNED_32) };
  }
}

const MAX_UNSIGNED_32 = 2 ** 32 - 1;
