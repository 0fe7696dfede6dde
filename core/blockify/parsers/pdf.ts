import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor } from './byte-cursor.ts';

// ISO 32000-1: 7.3.8 (streams), 7.5.2 (the header), 7.5.4 and 7.5.8 (cross-reference tables and streams), 7.5.6 (incremental updates).

const HEADER = Buffer.from('%PDF-');

const STREAM = Buffer.from('stream');
const END_OF_FILE = Buffer.from('%%EOF');
const END_STREAM = Buffer.from('endstream');

const CR = 0x0d;
const LF = 0x0a;

/** Streams that end within this many bytes get no edges: those of 512 bytes or less. */
const PROBE_SIZE = 512 + 2 + END_STREAM.length;

/**
 * PDF. Edges are at the starts and ends of streams. So images, fonts and pages are found again if they are moved, and a JPEG image also as
 * a
 * file of its own. After an incremental save, all of the old file is found again.
 */
export const pdfParser: Parser = {
  name: 'pdf',
  extensions: ['.pdf', '.ai'],
  mimeTypes: ['application/pdf'],
  delay: PROBE_SIZE,
  minSize: 32,
  begins: (head) => HEADER.equals(head.subarray(0, HEADER.length)),
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    for (;;) {
      cursor.mark([]);
      const found = yield* cursor.pass(STREAM, END_OF_FILE);
      if (found === undefined) return;
      const isLine = yield* passEol(cursor);
      if (found.index === 1) yield cursor.offset;
      else if (isLine && !(yield* stream(cursor))) return;
    }
  },
};

/** Reads a stream from its first byte. @returns false if the content ends in it */
function* stream(cursor: ByteCursor): Steps<boolean> {
  const start = cursor.offset;
  const first = yield* cursor.read(PROBE_SIZE);
  if (first === undefined) return false;
  const end = Buffer.from(first).indexOf(END_STREAM);
  if (end >= 0) {
    cursor.unread(first.slice(end + END_STREAM.length));
    return true;
  }
  yield start;
  // The keyword for its end may start in these bytes.
  cursor.unread(first.slice(-END_STREAM.length - 2));
  const found = yield* cursor.pass(END_STREAM);
  if (found === undefined) return false;
  yield cursor.offset - END_STREAM.length - eolSize(found.before);
  return true;
}

/** Skips a line end. @returns whether there was one */
function* passEol(cursor: ByteCursor): Steps<boolean> {
  const first = yield* cursor.read(1);
  if (first === undefined || first[0] === LF) return true;
  if (first[0] !== CR) {
    cursor.unread(first);
    return false;
  }
  const second = yield* cursor.read(1);
  if (second !== undefined && second[0] !== LF) cursor.unread(second);
  return true;
}

/** Bytes of the line end before `endstream`, which is not part of the stream. */
function eolSize(before: Uint8Array): number {
  const last = before.at(-1);
  if (last === LF) return before.at(-2) === CR ? 2 : 1;
  return last === CR ? 1 : 0;
}
