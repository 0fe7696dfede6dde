import { decodeBsuint } from '../base/bsuint.ts';
import { ParseError } from '../base/errors.ts';
import { errorAt } from '../base/parse-at.ts';
import { MAX_BLOCK_SIZE } from '../block/block-size.ts';
import type { Dirent } from './dirent.ts';
import { asBuffer, decodeDirentAt } from './dirent-decode.ts';
import { MIN_SALT_SIZE, SALT_MAGIC } from './dirent-tags.ts';
import { decodePythonDirent } from './python-vt/dirent.ts';

// The records of a Dir: Dirents, and salt. @see vt(5), "Dirs"

/** Maximum bytes of a record's length prefix. It is below MAX_BLOCK_SIZE, but redundant leading bytes are accepted. */
const MAX_LENGTH_SIZE = 16;

/** Maximum consecutive salt records. Writers put one at the start of each leaf. Without a limit, a Dir could consist of salt only. */
const MAX_SALTS = 64;

/**
 * Decodes the complete records in `octets`, and appends them to `entries`.
 *
 * @param at - offset of `octets` in the Dir, for the offsets of errors
 * @param most - maximum number of `entries`, so that a large Block is not decoded as a whole
 * @returns `next`, the offset of the first record not decoded, and `wanted`, the bytes from there that it needs
 * @throws {ParseError} if a record is malformed, or names are out of order
 */
export function decodeRecords(
  octets: Uint8Array,
  entries: Dirent[],
  order: NameOrder,
  at: number,
  most: number = Number.POSITIVE_INFINITY,
): { next: number; wanted: number } {
  const data = asBuffer(octets);
  try {
    return decodeRecordsOf(data, entries, order, most);
  } catch (error) {
    throw errorAt(at, error);
  }
}

/**
 * Decodes one leaf, if it is as our encoder makes it: whole records, ascending, after one salt record if the Dir has salt.
 *
 * @returns undefined if another encoder made the leaf, or it has other salt
 * @throws {ParseError} as {@link decodeRecords}
 */
export function decodeLeaf(octets: Uint8Array, salt: Uint8Array | undefined): Dirent[] | undefined {
  const entries: Dirent[] = [];
  let start = 0;
  if (salt !== undefined) {
    const { value: length, next } = decodeBsuint(octets, 0);
    start = next + length;
    if (octets[next] !== SALT_MAGIC || Buffer.compare(octets.subarray(next + 1, start), salt) !== 0) return undefined;
  } else if (octets[decodeBsuint(octets, 0).next] === SALT_MAGIC) return undefined;
  const { next } = decodeRecords(octets.subarray(start), entries, new NameOrder(), start);
  return start + next === octets.length ? entries : undefined;
}

function decodeRecordsOf(data: Buffer, entries: Dirent[], order: NameOrder, most: number): { next: number; wanted: number } {
  let offset = 0;
  while (offset < data.length && entries.length < most) {
    const lengthEnd = endOfLength(data, offset);
    if (lengthEnd === undefined) {
      if (data.length - offset >= MAX_LENGTH_SIZE) throw new ParseError('decode Dir: a record of endless length', offset);
      return { next: offset, wanted: data.length - offset + 1 };
    }
    const { value: length, next: bodyAt } = decodeBsuint(data, offset);
    const size = bodyAt - offset + length;
    if (length > MAX_BLOCK_SIZE) throw new ParseError(`decode Dir: a record of ${length} bytes`, offset);
    if (offset + size > data.length) return { next: offset, wanted: size };
    if (length === 0 || data[bodyAt] !== SALT_MAGIC) {
      const dirent = decodeDirentAt(data, bodyAt, offset + size);
      order.check(dirent.name, offset);
      entries.push(dirent);
    } else if (length < 1 + MIN_SALT_SIZE) throw new ParseError(`decode Dir: salt of ${length - 1} bytes`, offset);
    else order.salt(offset);
    offset += size;
  }
  return { next: offset, wanted: 1 };
}

function endOfLength(data: Uint8Array, offset: number): number | undefined {
  for (let i = offset; i < data.length && i < offset + MAX_LENGTH_SIZE; i++) if ((data[i] ?? 0) < 0x80) return i + 1;
  return undefined;
}

/** Checks that names ascend, and so are unique, and that there are not too many consecutive salt records. */
export class NameOrder {
  #last = '';
  #salts = 0;

  /** Counts a salt record. */
  salt(at: number): void {
    if (++this.#salts > MAX_SALTS) throw new ParseError(`decode Dir: more than ${MAX_SALTS} salt records without an entry`, at);
  }

  check(name: string, at: number): void {
    if (name <= this.#last) throw new ParseError(`decode Dir: the name ${JSON.stringify(name)} after ${JSON.stringify(this.#last)}`, at);
    this.#last = name;
    this.#salts = 0;
  }
}

/** Decodes a Dir of the Python vt: Dirents without lengths, sorted by characters. The order is not checked; the result is in ours. */
export function decodePythonDir(data: Uint8Array): Dirent[] {
  const entries: Dirent[] = [];
  for (let offset = 0; offset < data.length; ) {
    const { value, next } = decodePythonDirent(data, offset);
    // The Python vt does not count the names of hard links below. There may be some, so walks must look.
    entries.push(value.kind === 'dir' ? { ...value, links: value.links ?? 1 } : value);
    offset = next;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const order = new NameOrder();
  for (const { name } of entries) order.check(name, 0);
  return entries;
}
