import { crc32 } from 'node:zlib';
import { MAX_BLOCK_SIZE } from '../../block/block-size.ts';
import { MAX_DIR_LEAF_SIZE, MIN_DIR_LEAF_SIZE } from '../../dirent/dir-codec.ts';
import { DIRENT_KINDS, DIRENT_MAGIC, DIRENT_VERSION, SALT_MAGIC, TAG } from '../../dirent/dirent-tags.ts';
import type { Parser } from '../parser.ts';
import { ByteCursor, ignoreRest } from './byte-cursor.ts';
import { integer } from './vtd.ts';

/** Maximum bytes of a record that are read: enough for its head and most names. */
const HEAD_SIZE = 512;

/** The offset of the fields in a Dirent. */
const FIELDS_AT = 4;

/** The bits of a name's CRC-32 that are 0 at the end of a leaf. */
const EDGE_MASK = 0x3f;

/** Maximum bytes of an integer whose length is not given. */
const MAX_INTEGER_SIZE = 5;

/**
 * Encoded Dirs. Edges are at the ends of the Dir's leaves, so a file with these bytes has the same Blocks as the Dir. @see vt(5), "Dirs"
 */
export const direntsParser: Parser = {
  name: 'dirents',
  extensions: [],
  mimeTypes: [],
  // An edge before a record is found when its head has been read.
  delay: HEAD_SIZE + MAX_INTEGER_SIZE,
  minSize: 32,
  begins: isDir,
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    let leafAt = mark?.state[0] ?? 0;
    for (;;) {
      const start = cursor.offset;
      cursor.mark([leafAt]);
      const length = yield* integer(cursor);
      if (length === undefined || length > MAX_BLOCK_SIZE || length < FIELDS_AT) break;
      const end = cursor.offset + length;
      const head = yield* cursor.read(Math.min(length, HEAD_SIZE));
      if (head === undefined) return;
      const isSalt = head[0] === SALT_MAGIC;
      if (!isSalt && !isDirent(head)) break;
      if (start > leafAt && (isSalt || end - leafAt > MAX_DIR_LEAF_SIZE)) {
        yield start;
        leafAt = start;
      }
      const name = isSalt ? undefined : nameIn(head);
      if (name !== undefined && end - leafAt >= MIN_DIR_LEAF_SIZE && (crc32(name) & EDGE_MASK) === 0) {
        yield end;
        leafAt = end;
      }
      if (!(yield* cursor.skip(length - head.length))) return;
    }
    yield* ignoreRest();
  },
};

function isDirent(body: Uint8Array): boolean {
  return body[0] === DIRENT_MAGIC && body[1] === DIRENT_VERSION && (body[2] ?? 0xff) < DIRENT_KINDS.length;
}

/** The name, whose field is the first. */
function nameIn(body: Uint8Array): Uint8Array | undefined {
  if (body[3] === 0 || body[FIELDS_AT] !== TAG.name) return undefined;
  const length = shortInteger(body, FIELDS_AT + 1);
  if (length === undefined || length.next + length.value > body.length) return undefined;
  return body.subarray(length.next, length.next + length.value);
}

function shortInteger(octets: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let i = at; i < octets.length && i < at + MAX_INTEGER_SIZE; i++) {
    const octet = octets[i] ?? 0;
    value = value * 128 + (octet & 0x7f);
    if (octet < 0x80) return { value, next: i + 1 };
  }
  return undefined;
}

/** Whether bytes begin with two records of a Dir. The first may be salt; Dirents must have a name. */
function isDir(head: Uint8Array): boolean {
  let at = 0;
  for (let records = 0; records < 2 && at < head.length; records++) {
    const length = shortInteger(head, at);
    if (length === undefined || length.value < FIELDS_AT || length.value > MAX_BLOCK_SIZE) return false;
    const body = head.subarray(length.next, length.next + length.value);
    const isSalt = records === 0 && body[0] === SALT_MAGIC;
    if (!isSalt && !(isDirent(body) && body[FIELDS_AT] === TAG.name)) return false;
    at = length.next + length.value;
  }
  return head.length > 0;
}
