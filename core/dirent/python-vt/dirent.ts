import type { Decoded } from '../../base/bsuint.ts';
import { decodeBsdata, decodeBsuint } from '../../base/bsuint.ts';
import { ParseError, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsFromBytes } from '../../base/octets.ts';
import { parseAt } from '../../base/parse-at.ts';
import { UUID_SIZE, uuidFromBytes } from '../../base/uuid.ts';
import { decodeBlockref } from '../../block/blockref.ts';
import type { Dirent, DirentKind } from '../dirent.ts';
import type { DirentFields } from '../dirent-fields.ts';
import { assembleDirent } from '../dirent-fields.ts';
import { parseDirent, pythonInodes } from '../dirent-text.ts';
import { parsePythonMeta } from './meta.ts';

// Decodes binary Dirents of the Python vt. They are never written. @see vt(5), "The Python vt"

const FLAG_META = 0x01;
const FLAG_NAME = 0x02;
const FLAG_NO_BLOCK = 0x04;
const FLAG_UUID = 0x08;
const FLAG_PREV = 0x10;
const KNOWN_FLAGS = 0x1f;

const KINDS: readonly DirentKind[] = ['file', 'dir', 'symlink', 'indirect'];

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether a Dirent of the Python vt is at `offset`. Its first byte is its type, 0..3; ours starts with a length of at least 4. */
export function startsPythonDirent(data: Uint8Array, offset: number): boolean {
  const first = data[offset];
  return first !== undefined && first < KINDS.length;
}

/**
 * Decodes a Dirent of the Python vt. The table of hard-linked nodes, whose text is in the root's metadata, becomes our `inodes`.
 * Its entries are named `uuid:refcount`; the uuid becomes the name, and the count `nlink`.
 *
 * @throws {ParseError} if it is truncated or malformed
 * @throws {VtError} EUNSUPPORTED for unknown flags
 */
export function decodePythonDirent(data: Uint8Array, offset: number): Decoded<Dirent> {
  const { value: type, next: flagsAt } = decodeBsuint(data, offset);
  const kind = KINDS[type];
  if (kind === undefined) throw new ParseError(`decode Python Dirent: unknown type ${type}`, offset);
  const { value: flags, next: fieldsAt } = decodeBsuint(data, flagsAt);
  if (flags > KNOWN_FLAGS) throw new VtError('EUNSUPPORTED', `decode Python Dirent: unknown flags 0x${flags.toString(16)}`);
  const fields: DirentFields = {};
  let next = fieldsAt;
  if ((flags & FLAG_NAME) !== 0) {
    const name = decodeBsdata(data, next);
    fields.name = octetsFromBytes(name.value);
    if (fields.name === '.') fields.name = '' as Octets;
    next = name.next;
  }
  if ((flags & FLAG_META) !== 0) {
    const meta = decodeBsdata(data, next);
    parseAt(meta.next - meta.value.length, () => addMeta(fields, meta.value, kind));
    next = meta.next;
  }
  if ((flags & FLAG_UUID) !== 0) {
    if (next + UUID_SIZE > data.length) throw new ParseError('decode Python Dirent: data ends inside the uuid', next);
    fields.uuid = uuidFromBytes(data.subarray(next, next + UUID_SIZE));
    next += UUID_SIZE;
  }
  if ((flags & FLAG_NO_BLOCK) === 0) {
    const block = decodeBlockref(data, next);
    if (kind === 'file' || kind === 'dir') fields.block = block.value;
    next = block.next;
  }
  if ((flags & FLAG_PREV) !== 0) {
    const prev = decodeBlockref(data, next);
    fields.prev = prev.value;
    next = prev.next;
  }
  nameTableEntry(fields);
  return { value: assembleDirent(kind, fields, (what) => new ParseError(`decode Python Dirent: ${what}`, offset)), next };
}

function addMeta(fields: DirentFields, data: Uint8Array, kind: DirentKind): void {
  let text: string;
  try {
    text = utf8Strict.decode(data);
  } catch (cause) {
    throw new ParseError('decode Python Meta: not UTF-8', 0, { cause });
  }
  const python = parsePythonMeta(text, kind);
  fields.meta = python.meta;
  if (python.target !== undefined) fields.target = python.target;
  if (python.inodesText === undefined || kind !== 'dir') return;
  const inodes = pythonInodes(parseDirent(python.inodesText));
  if (inodes !== undefined) fields.inodes = inodes;
}

/** Splits a name `uuid:refcount` into name and `nlink`, if the uuid is the Dirent's own. */
function nameTableEntry(fields: DirentFields): void {
  const [, uuid, count] = /^([\da-f-]{36}):(\d{1,15})$/.exec(fields.name ?? '') ?? [];
  if (uuid === undefined || (fields.uuid !== undefined && uuid !== fields.uuid)) return;
  if (fields.uuid === undefined) return;
  fields.name = uuid as Octets;
  fields.nlink = Number(count);
}
