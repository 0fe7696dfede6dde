import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor, ignoreRest } from './byte-cursor.ts';
import { ThinnedOffsets } from './thinned-offsets.ts';

// Boxes: ISO/IEC 14496-12, 4.2; ChunkOffsetBox and ChunkLargeOffsetBox: 8.7.5. Numbers are big-endian.

const HEADER_SIZE = 8;
const LARGE_HEADER_SIZE = 16;

/** Boxes that contain the tables of chunks. */
const CONTAINERS: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);
const MAX_DEPTH = 8;

/** Types of the first box of a file. In QuickTime it need not be ftyp. */
const FIRST_BOXES: ReadonlySet<string> = new Set(['ftyp', 'styp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot', 'moof', 'sidx']);

/** The first box must be smaller: larger sizes could be letters. */
const MAX_FIRST_SIZE = 0x20000000;

/** Bytes before the entries of a table of chunks: version, flags, count. */
const TABLE_HEADER_SIZE = 8;

/** Bytes of a table read at a time. */
const TABLE_PART_SIZE = 2048;

/**
 * ISO media: mp4, m4a, mov, 3gp, heic, fragmented or not. Edges are at the starts of boxes and of the media data. If the tables come before
 * the data, edges are also at the chunks. So data are found again if the metadata before them grow, or another track is added.
 */
export const mp4Parser: Parser = {
  name: 'mp4',
  extensions: ['.mp4', '.m4a', '.m4v', '.m4b', '.mov', '.3gp', '.heic', '.avif'],
  mimeTypes: ['video/mp4', 'audio/mp4', 'video/quicktime', 'video/3gpp', 'image/heic', 'image/avif'],
  delay: LARGE_HEADER_SIZE,
  minSize: 8,
  begins(head) {
    if (head.length < LARGE_HEADER_SIZE) return false;
    const { size, type } = boxHeader(head);
    return FIRST_BOXES.has(type) && (size === 1 || size >= HEADER_SIZE) && size < MAX_FIRST_SIZE;
  },
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    const chunks = new ThinnedOffsets();
    for (;;) {
      const start = cursor.offset;
      // With chunks, parsing must be resumed before the tables.
      if (chunks.isEmpty) cursor.mark([]);
      const box = yield* readBox(cursor);
      if (box === undefined) return;
      if (start > 0) yield start;
      // This box extends to the end of the content.
      if (box.end === undefined) {
        yield cursor.offset;
        yield* ignoreRest();
        return;
      }
      if (box.type === 'mdat') {
        yield cursor.offset;
        for (const chunk of chunks.ascending()) {
          if (chunk <= cursor.offset || chunk >= box.end) continue;
          if (!(yield* cursor.skip(chunk - cursor.offset))) return;
          yield chunk;
        }
      } else if (CONTAINERS.has(box.type) && !(yield* container(cursor, box.end, chunks, 1))) return;
      if (chunks.isEmpty) cursor.mark([], box.end);
      if (!(yield* cursor.skip(box.end - cursor.offset))) return;
    }
  },
};

interface Box {
  readonly type: string;
  /** The offset after the box in the content; undefined if it extends to the content's end. */
  readonly end: number | undefined;
}

/** Reads the header of a box. @returns undefined if the content ends in it, or its size is impossible */
function* readBox(cursor: ByteCursor): Steps<Box | undefined> {
  const start = cursor.offset;
  const header = yield* cursor.read(HEADER_SIZE);
  if (header === undefined) return undefined;
  const { size, type } = boxHeader(header);
  if (size === 0) return { type, end: undefined };
  if (size !== 1) return size >= HEADER_SIZE ? { type, end: start + size } : undefined;
  const large = yield* cursor.read(LARGE_HEADER_SIZE - HEADER_SIZE);
  if (large === undefined) return undefined;
  const end = start + largeNumber(viewOf(large), 0);
  return end >= start + LARGE_HEADER_SIZE && Number.isSafeInteger(end) ? { type, end } : undefined;
}

/** Collects the chunks in the boxes up to `end`. @returns false if the content ends, or a box does not fit */
function* container(cursor: ByteCursor, end: number, chunks: ThinnedOffsets, depth: number): Steps<boolean> {
  while (cursor.offset + HEADER_SIZE <= end) {
    const box = yield* readBox(cursor);
    // A container may end with four NULs, or be damaged. Its end is still known.
    if (box?.end === undefined || box.end > end) return cursor.offset <= end;
    if (CONTAINERS.has(box.type) && depth < MAX_DEPTH) {
      if (!(yield* container(cursor, box.end, chunks, depth + 1))) return false;
    } else if (box.type === 'stco' || box.type === 'co64') {
      if (!(yield* chunkTable(cursor, box.end, box.type === 'stco' ? 4 : 8, chunks))) return false;
    }
    if (!(yield* cursor.skip(box.end - cursor.offset))) return false;
  }
  return cursor.offset <= end;
}

/** Collects the entries of a table of chunks. @returns false if the content ends in it */
function* chunkTable(cursor: ByteCursor, end: number, entrySize: number, chunks: ThinnedOffsets): Steps<boolean> {
  if (cursor.offset + TABLE_HEADER_SIZE > end) return true;
  if (!(yield* cursor.skip(TABLE_HEADER_SIZE))) return false;
  chunks.begin();
  for (;;) {
    const size = Math.min(TABLE_PART_SIZE, end - cursor.offset);
    if (size < entrySize) return true;
    const part = yield* cursor.read(size - (size % entrySize));
    if (part === undefined) return false;
    const view = viewOf(part);
    for (let at = 0; at < part.length; at += entrySize) chunks.add(entrySize === 4 ? view.getUint32(at) : largeNumber(view, at));
  }
}

function boxHeader(octets: Uint8Array): { readonly size: number; readonly type: string } {
  return { size: viewOf(octets).getUint32(0), type: Buffer.from(octets.subarray(4, 8)).toString('latin1') };
}

/** A number of eight bytes; approximate above 2^53. */
function largeNumber(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
