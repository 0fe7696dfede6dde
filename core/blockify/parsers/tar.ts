import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor } from './byte-cursor.ts';

// Header blocks and their fields: POSIX.1-1988 ("ustar"), POSIX.1-2001 ("pax"), and the manual of GNU tar, "Basic Tar Format"
// and "GNU Extensions". Numbers in fields are octal digits, or base-256 with the first bit set.

const BLOCK_SIZE = 512;

const SPACE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_7 = 0x37;

/** Fields of a header: offset and end. */
const SIZE_FIELD = [124, 136] as const;
const CHECKSUM_FIELD = [148, 156] as const;
const TYPE_AT = 156;
const MAGIC_AT = 257;

/** Offsets of the flag that more of a GNU sparse map follows: in the header, and in a block of the map. */
const SPARSE_HEADER_MORE_AT = 482;
const SPARSE_BLOCK_MORE_AT = 504;

/** Maximum bytes of a pax header that are read. A longer one is skipped. */
const MAX_PAX_SIZE = 4096;

/** Shorter contents get no edges, and stay in a Block with their headers. */
const MIN_CONTENT_SIZE = 512;

/** Archives of tar(1). Edges are at the start and end of each member's content, so that it has the same Blocks as the file itself. */
export const tarParser: Parser = {
  name: 'tar',
  extensions: ['.tar', '.ova'],
  mimeTypes: ['application/x-tar'],
  delay: 0,
  minSize: 32,
  begins: (head) => head.length >= BLOCK_SIZE && isHeader(head),
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    // The size in a pax header, which applies to the next member.
    let paxSize = mark?.state[1];
    // After a block that is not a header, every block is examined. A header must then have the magic.
    let isLost = mark?.state[0] === 1;
    const state = (): readonly number[] => (paxSize === undefined ? [Number(isLost)] : [Number(isLost), paxSize]);
    for (;;) {
      cursor.mark(state());
      const header = yield* cursor.read(BLOCK_SIZE);
      if (header === undefined) return;
      // The end of an archive; another may follow.
      if (header[0] === 0 || (isLost && !hasMagic(header)) || !isHeader(header)) {
        isLost = true;
        continue;
      }
      isLost = false;
      const type = String.fromCharCode(header[TYPE_AT] ?? 0);
      const size = (hasContent(type) ? paxSize : undefined) ?? readNumber(header, SIZE_FIELD) ?? 0;
      if (type === 'x') {
        const text = size <= MAX_PAX_SIZE ? yield* cursor.read(size) : undefined;
        paxSize = text === undefined ? undefined : sizeOfPax(text);
        if (!(yield* cursor.skip(padded(size) - (text?.length ?? 0)))) return;
        continue;
      }
      if (type === 'S' && header[SPARSE_HEADER_MORE_AT] !== 0 && !(yield* sparseMap(cursor))) return;
      // GNU long names may come between a pax header and its member.
      if (type !== 'L' && type !== 'K') paxSize = undefined;
      if (!hasContent(type)) continue;
      if (size >= MIN_CONTENT_SIZE) {
        yield cursor.offset;
        yield cursor.offset + size;
      }
      const end = cursor.offset + padded(size);
      if (Number.isSafeInteger(end)) cursor.mark(state(), end);
      if (!(yield* cursor.skip(padded(size)))) return;
    }
  },
};

/** Skips the rest of a GNU sparse map. @returns false if the content ends in it */
function* sparseMap(cursor: ByteCursor): Steps<boolean> {
  for (;;) {
    const block = yield* cursor.read(BLOCK_SIZE);
    if (block === undefined) return false;
    if (block[SPARSE_BLOCK_MORE_AT] === 0) return true;
  }
}

/** Whether a type of member has content. Links, devices, directories and FIFOs have none, whatever their size field says. */
function hasContent(type: string): boolean {
  return !(type >= '1' && type <= '6');
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
}

function hasMagic(header: Uint8Array): boolean {
  return 'ustar'.split('').every((letter, i) => header[MAGIC_AT + i] === letter.charCodeAt(0));
}

/** Whether the checksum is right: the sum of all bytes, with the field itself taken as spaces. Some programs add signed bytes. */
function isHeader(header: Uint8Array): boolean {
  const expected = readNumber(header, CHECKSUM_FIELD);
  if (expected === undefined || readNumber(header, SIZE_FIELD) === undefined) return false;
  const [from, to] = CHECKSUM_FIELD;
  let sum = (to - from) * 0x20;
  let signed = sum;
  for (let i = 0; i < BLOCK_SIZE; i++) {
    if (i === from) i = to;
    const octet = header[i] ?? 0;
    sum += octet;
    signed += octet < 0x80 ? octet : octet - 0x100;
  }
  return sum === expected || signed === expected;
}

/** The number in a field, 0..2^53-1; undefined if it is not valid. An empty field is 0. */
function readNumber(header: Uint8Array, [from, to]: readonly [number, number]): number | undefined {
  const first = header[from] ?? 0;
  if (first >= 0x80) {
    let value = first & 0x7f;
    for (let i = from + 1; i < to; i++) value = value * 256 + (header[i] ?? 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  let at = from;
  while (at < to && header[at] === SPACE) at++;
  let value = 0;
  for (; at < to; at++) {
    const octet = header[at] ?? 0;
    if (octet === SPACE || octet === 0) break;
    if (octet < DIGIT_0 || octet > DIGIT_7) return undefined;
    value = value * 8 + octet - DIGIT_0;
  }
  return value;
}

/** The value of `size` in the records of a pax header, which have the form `LENGTH KEY=VALUE\n`. */
function sizeOfPax(text: Uint8Array): number | undefined {
  const found = /(?:^|\n)\d+ size=(\d{1,16})\n/.exec(Buffer.from(text).toString('latin1'))?.[1];
  const size = Number(found);
  return Number.isSafeInteger(size) ? size : undefined;
}
