import type { Decoded } from '../base/bsuint.ts';
import { decodeBsdata, decodeBsuint } from '../base/bsuint.ts';
import { ParseError, VtError } from '../base/errors.ts';
import { octetsFromBytes } from '../base/octets.ts';
import { errorAt, parseAt } from '../base/parse-at.ts';
import { decodeBlockrefBody } from '../block/blockref.ts';
import type { Dirent, UnknownField } from './dirent.ts';
import type { DirentFields } from './dirent-fields.ts';
import { assembleDirent } from './dirent-fields.ts';
import { DIRENT_KINDS, DIRENT_MAGIC, DIRENT_VERSION, FIRST_OPTIONAL_TAG, TAG } from './dirent-tags.ts';
import type { Meta } from './meta.ts';
import { decodeTime } from './time-codec.ts';
import { UUID_SIZE, uuidFromBytes } from './uuid.ts';
import { decodeXattrs } from './xattrs-codec.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Decodes a Dirent of our own encoding, with its length in front. @see decodeDirent */
export function decodeOurDirent(data: Uint8Array, offset: number): Decoded<Dirent> {
  const { value: body, next } = decodeBsdata(data, offset);
  return { value: parseAt(next - body.length, () => decodeDirentBody(body)), next };
}

/** Decodes a Dirent of our own encoding that `body` is all of, without its length. */
export function decodeDirentBody(body: Uint8Array): Dirent {
  if (body.length < 4) throw new ParseError(`decode Dirent: ${body.length} octets`, 0);
  const [magic, version, kindNumber = 0, count = 0] = body;
  if (magic !== DIRENT_MAGIC)
    throw new ParseError(`decode Dirent: expected 0x${DIRENT_MAGIC.toString(16)}, found 0x${magic?.toString(16)}`, 0);
  if (version !== DIRENT_VERSION)
    throw new VtError('EUNSUPPORTED', `decode Dirent: version ${version}, this program knows ${DIRENT_VERSION}`);
  const kind = DIRENT_KINDS[kindNumber];
  if (kind === undefined) throw new VtError('EUNSUPPORTED', `decode Dirent: unknown kind ${kindNumber}`);

  const meta: Writable<Meta> = {};
  const unknown: UnknownField[] = [];
  const fields: DirentFields = { meta, unknown };
  let offset = 4;
  let lastTag = 0;
  // Where the value being decoded lies: a closure for each field would cost a tenth.
  let at = 0;
  try {
    for (let i = 0; i < count; i++) {
      const { value: tag, next: valueAt } = decodeBsuint(body, offset);
      if (tag <= lastTag) throw new ParseError(`decode Dirent: field ${tag} after field ${lastTag}`, offset);
      const { value, next } = decodeBsdata(body, valueAt);
      at = next - value.length;
      if (!decodeField(tag, value, fields, meta)) unknown.push({ tag, value: new Uint8Array(value) });
      at = 0;
      lastTag = tag;
      offset = next;
    }
  } catch (error) {
    throw errorAt(at, error);
  }
  if (offset !== body.length) throw new ParseError(`decode Dirent: ${body.length - offset} octets too many`, offset);
  return assembleDirent(kind, fields, (what) => new ParseError(`decode Dirent: ${what}`, 4));
}

/** Decodes a field into `fields` or `meta`, or gives false for a tag that is not known and need not be. */
function decodeField(tag: number, value: Uint8Array, fields: DirentFields, meta: Writable<Meta>): boolean {
  switch (tag) {
    case TAG.name:
      fields.name = octetsFromBytes(value);
      if (fields.name === '') throw new ParseError('decode Dirent: an empty name', 0);
      break;
    case TAG.block:
      fields.block = decodeBlockrefBody(value);
      break;
    case TAG.uuid:
      if (value.length !== UUID_SIZE) throw new ParseError(`decode Dirent: a uuid of ${value.length} octets`, 0);
      fields.uuid = uuidFromBytes(value);
      break;
    case TAG.inodes:
      fields.inodes = decodeBlockrefBody(value);
      break;
    case TAG.prev:
      fields.prev = decodeBlockrefBody(value);
      break;
    case TAG.target:
      fields.target = octetsFromBytes(value);
      break;
    case TAG.rdev: {
      const { value: major, next } = decodeBsuint(value, 0);
      meta.rdev = {
        major: bounded(major, 'major device number', 2 ** 32 - 1),
        minor: decodeNumber(value.subarray(next), 'minor device number', 2 ** 32 - 1),
      };
      break;
    }
    case TAG.xattrs:
      meta.xattrs = decodeXattrs(value);
      if (meta.xattrs.size === 0) throw new ParseError('decode Dirent: empty xattrs', 0);
      break;
    case TAG.salt:
      fields.salt = new Uint8Array(value);
      break;
    case TAG.mode:
      meta.mode = decodeNumber(value, 'mode', 0o7777);
      break;
    case TAG.uid:
      meta.uid = decodeNumber(value, 'uid', 2 ** 32 - 1);
      break;
    case TAG.gid:
      meta.gid = decodeNumber(value, 'gid', 2 ** 32 - 1);
      break;
    case TAG.user:
      meta.user = octetsFromBytes(value);
      break;
    case TAG.group:
      meta.group = octetsFromBytes(value);
      break;
    case TAG.mtime:
      meta.mtimeNs = decodeTime(value);
      break;
    case TAG.ctime:
      meta.ctimeNs = decodeTime(value);
      break;
    case TAG.btime:
      meta.btimeNs = decodeTime(value);
      break;
    case TAG.nlink:
      fields.nlink = decodeNumber(value, 'nlink', Number.MAX_SAFE_INTEGER);
      break;
    case TAG.links:
      fields.links = decodeNumber(value, 'links', Number.MAX_SAFE_INTEGER);
      break;
    default:
      if (tag < FIRST_OPTIONAL_TAG) throw new VtError('EUNSUPPORTED', `decode Dirent: unknown critical field ${tag}`);
      return false;
  }
  return true;
}

/** A bsuint that `value` is all of. */
function decodeNumber(value: Uint8Array, what: string, max: number): number {
  const { value: number, next } = decodeBsuint(value, 0);
  if (next !== value.length) throw new ParseError(`decode Dirent: ${what} is followed by ${value.length - next} octets`, next);
  return bounded(number, what, max);
}

function bounded(number: number, what: string, max: number): number {
  if (number > max) throw new ParseError(`decode Dirent: ${what} ${number}`, 0);
  return number;
}
