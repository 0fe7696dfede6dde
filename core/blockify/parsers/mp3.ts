import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor, ignoreRest } from './byte-cursor.ts';

// Tags: id3.org, "ID3 tag version 2.4.0 - Main Structure", 3.1 and 3.4; "ID3v1"; "Lyrics3 v2.00"; wiki.hydrogenaud.io, "APEv2
// specification". Frame headers: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; ISO/IEC 13818-3 for halved sampling rates, which
// "MPEG 2.5" halves again.

const ID3_HEADER_SIZE = 10;
/** The maximum version to accept; 4 is the newest. Text that begins with the letters "ID3" has larger values here. */
const MAX_ID3_VERSION = 0x0f;
const ID3_FLAG_FOOTER = 0x10;

/** Bytes of the header or footer of an APE tag. */
const APE_HEADER_SIZE = 32;

/** Bytes of an ID3v1 tag. */
const ID3V1_SIZE = 128;

/** Bytes of a mark: the header of a frame, or the start of a tag. Marks are big-endian numbers here. */
const MARK_SIZE = 4;
const ID3_MARK = 0x494433;
const ID3V1_MARK = 0x544147;
const APE_MARK = 0x41504554;
const LYRICS_MARK = 0x4c595249;

/** Bytes without a frame or a tag after which the parser gives up. */
const MAX_LOST_SIZE = 256 * 1024;

/** The bits that all frames of a stream have in common: sync, version, layer and sampling rate. */
const KIND_MASK = 0xfffe0c00;

/** Bit rates in kbit/s by index: MPEG 1 layers I, II, III; MPEG 2 layer I; MPEG 2 layers II and III. */
const BIT_RATES = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;

/** Sampling rates of MPEG 1 in Hz by index. */
const SAMPLING_RATES = [44_100, 48_000, 32_000] as const;

/** MPEG audio. Edges are between tags and frames, so that a changed tag does not affect the Blocks of the frames. */
export const mp3Parser: Parser = {
  name: 'mp3',
  extensions: ['.mp3', '.mp2'],
  mimeTypes: ['audio/mpeg'],
  delay: MARK_SIZE,
  minSize: 64,
  begins(head) {
    if (head.length < ID3_HEADER_SIZE) return false;
    if (markAt(head, 0) >>> 8 === ID3_MARK) return id3Size(head) !== undefined;
    // Four bytes may match by chance, so a second frame must follow the first.
    const mark = markAt(head, 0);
    const size = frameSize(mark);
    if (size === undefined || size + MARK_SIZE > head.length) return false;
    const next = markAt(head, size);
    return frameSize(next) !== undefined && isSameKind(mark, next);
  },
  *edges(from) {
    const cursor = new ByteCursor(from?.from);
    let isAudio = from?.state[0] === 1;
    let frame = from?.state[1];
    for (let mark = yield* readMark(cursor); mark !== undefined; ) {
      cursor.mark(frame === undefined ? [Number(isAudio)] : [Number(isAudio), frame], cursor.offset - MARK_SIZE);
      const size = frame === undefined || isSameKind(mark, frame) ? frameSize(mark) : undefined;
      if (size === undefined || !isAudio) yield cursor.offset - MARK_SIZE;
      isAudio = size !== undefined;
      if (size !== undefined) {
        frame = mark;
        if (!(yield* cursor.skip(size - MARK_SIZE))) return;
        mark = yield* readMark(cursor);
      } else {
        const passed = yield* passTag(cursor, mark);
        // Padding or damage. Frames or tags may follow.
        mark = passed === 'passed' ? yield* readMark(cursor) : passed === 'no tag' ? yield* nextMark(cursor, mark, frame) : undefined;
      }
    }
    yield* ignoreRest();
  },
};

function* readMark(cursor: ByteCursor): Steps<number | undefined> {
  const octets = yield* cursor.read(MARK_SIZE);
  return octets === undefined ? undefined : markAt(octets, 0);
}

/** Skips a tag whose mark has been read. */
function* passTag(cursor: ByteCursor, mark: number): Steps<'passed' | 'ended' | 'no tag'> {
  let size: number | undefined;
  if (mark >>> 8 === ID3_MARK) {
    const rest = yield* cursor.read(ID3_HEADER_SIZE - MARK_SIZE);
    if (rest === undefined) return 'ended';
    const header = new Uint8Array(ID3_HEADER_SIZE);
    header.set([0x49, 0x44, 0x33, mark & 0xff]);
    header.set(rest, MARK_SIZE);
    size = (id3Size(header) ?? ID3_HEADER_SIZE) - ID3_HEADER_SIZE;
  } else if (mark === APE_MARK) {
    const rest = yield* cursor.read(APE_HEADER_SIZE - MARK_SIZE);
    if (rest === undefined) return 'ended';
    size = new DataView(rest.buffer, rest.byteOffset).getUint32(12 - MARK_SIZE, true);
  } else if (mark >>> 8 === ID3V1_MARK) size = ID3V1_SIZE - MARK_SIZE;
  if (size === undefined) return 'no tag';
  return (yield* cursor.skip(size)) ? 'passed' : 'ended';
}

/** Searches the next mark, after `mark`, of a tag or of a frame of the same kind as `frame`. */
function* nextMark(cursor: ByteCursor, mark: number, frame: number | undefined): Steps<number | undefined> {
  let word = mark;
  const giveUpAt = cursor.offset + MAX_LOST_SIZE;
  for (let part = yield* cursor.rest(); part !== undefined; part = yield* cursor.rest()) {
    const partAt = cursor.offset - part.length;
    const end = markEnd(part.subarray(0, giveUpAt - partAt), word, mark === LYRICS_MARK, frame ?? 0);
    if (partAt + (end ?? part.length) > giveUpAt) break;
    word = wordBefore(part, end ?? part.length, word);
    if (end === undefined) continue;
    cursor.unread(part.subarray(end));
    return word;
  }
  return undefined;
}

/**
 * The end of the first mark in `part`. It may begin in `before`, the four bytes before `part`. A separate loop is 3 times as fast as in the
 * coroutine.
 */
function markEnd(part: Uint8Array, before: number, isInLyrics: boolean, frame: number): number | undefined {
  let word = before | 0;
  for (let i = 0; i < part.length; i++) {
    word = (word << 8) | (part[i] as number);
    // Frames begin with eleven set bits.
    if (word >>> 21 === 0x7ff) {
      if (frame !== 0 && isSameKind(word, frame) && frameSize(word >>> 0) !== undefined) return i + 1;
    } else if (word === APE_MARK || word >>> 8 === ID3V1_MARK || (word === LYRICS_MARK && !isInLyrics)) return i + 1;
  }
  return undefined;
}

/** The four bytes before `end` in `part`; `word` are the four bytes before `part`. */
function wordBefore(part: Uint8Array, end: number, word: number): number {
  let last = word;
  for (let i = Math.max(0, end - MARK_SIZE); i < end; i++) last = ((last << 8) | (part[i] ?? 0)) >>> 0;
  return last;
}

/** The bytes of an ID3v2 tag with header and footer; undefined if `header` is not that of a tag. */
function id3Size(header: Uint8Array): number | undefined {
  const [i, d, three, version = 0xff, , flags = 0, ...sizes] = header.subarray(0, ID3_HEADER_SIZE);
  if (i !== 0x49 || d !== 0x44 || three !== 0x33 || version > MAX_ID3_VERSION || sizes.some((octet) => octet >= 0x80)) return undefined;
  const size = sizes.reduce((sum, octet) => sum * 0x80 + octet, 0);
  return ID3_HEADER_SIZE + size + ((flags & ID3_FLAG_FOOTER) === 0 ? 0 : ID3_HEADER_SIZE);
}

function isSameKind(a: number, b: number): boolean {
  return ((a ^ b) & KIND_MASK) === 0;
}

/** The bytes of a frame with its header; undefined if it is not a frame, or has a free format. */
function frameSize(header: number): number | undefined {
  // Versions by their bits: 2.5, reserved, 2, 1. Layers: reserved, III, II, I.
  const version = (header >>> 19) & 3;
  const layer = 4 - ((header >>> 17) & 3);
  const rate = SAMPLING_RATES[(header >>> 10) & 3];
  if (header >>> 21 !== 0x7ff || version === 1 || layer === 4 || rate === undefined) return undefined;
  const table = version === 3 ? layer - 1 : layer === 1 ? 3 : 4;
  const kbits = BIT_RATES[table]?.[(header >>> 12) & 15] ?? 0;
  if (kbits === 0) return undefined;
  const hertz = version === 3 ? rate : version === 2 ? rate / 2 : rate / 4;
  const padding = (header >>> 9) & 1;
  if (layer === 1) return (Math.floor((12_000 * kbits) / hertz) + padding) * 4;
  const samples = layer === 3 && version !== 3 ? 72_000 : 144_000;
  return Math.floor((samples * kbits) / hertz) + padding;
}

function markAt(octets: Uint8Array, at: number): number {
  return (((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0)) >>> 0;
}
