import type { Parser } from '../parser.ts';
import type { FoundNeedle, Steps } from './byte-cursor.ts';
import { ByteCursor } from './byte-cursor.ts';

// Signatures and fields: PKWARE's APPNOTE.TXT 6.3.10, 4.3.7 (local file header), 4.3.9 (data descriptor), 4.3.12 (central
// directory), 4.5.3 (zip64 extra field). Numbers are little-endian.

const LOCAL_HEADER = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL_HEADER = 0x02014b50;

/** The start of an archive that was to be split but was not. */
const SPLIT_MARKER = 0x30304b50;

/** Bytes of a local header after its signature, up to the name. */
const LOCAL_SIZE = 26;

/** Bytes of a data descriptor after its signature, with sizes of 4 bytes. */
const DESCRIPTOR_SIZE = 12;

const FLAG_DESCRIPTOR = 0x8;
const ZIP64_EXTRA = 0x0001;
const SIZE_IN_EXTRA = 0xffffffff;

/** Maximum bytes of extra fields that are read. */
const MAX_EXTRA_SIZE = 4096;

/** Shorter contents get no edges, and stay in a Block with their headers. */
const MIN_CONTENT_SIZE = 512;

const LOCAL_NEEDLE = signature(LOCAL_HEADER);
const CENTRAL_NEEDLE = signature(CENTRAL_HEADER);
const DESCRIPTOR_NEEDLE = signature(DESCRIPTOR);

/**
 * Archives of zip, and formats based on it (office documents, jar, apk, epub). Edges are at the start and end of each member's content. A
 * stored member has the same Blocks as the file itself. A compressed one is found again if it was compressed in the same way.
 */
export const zipParser: Parser = {
  name: 'zip',
  extensions: ['.zip', '.jar', '.apk', '.epub', '.docx', '.xlsx', '.pptx', '.odt', '.ods', '.odp', '.whl', '.xpi'],
  mimeTypes: ['application/zip', 'application/java-archive', 'application/epub+zip'],
  delay: 4 + DESCRIPTOR_SIZE,
  minSize: 16,
  begins(head) {
    if (head.length < 30) return false;
    const view = viewOf(head);
    const first = view.getUint32(0, true);
    return first === LOCAL_HEADER || ((first === SPLIT_MARKER || first === DESCRIPTOR) && view.getUint32(4, true) === LOCAL_HEADER);
  },
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    // Only the first header of a central directory gets an edge. Another archive may follow.
    let isInDirectory = mark?.state[0] === 1;
    for (;;) {
      cursor.mark([Number(isInDirectory)]);
      const found: FoundNeedle | undefined = yield* isInDirectory ? cursor.pass(LOCAL_NEEDLE) : cursor.pass(LOCAL_NEEDLE, CENTRAL_NEEDLE);
      if (found === undefined) return;
      isInDirectory = found.index === 1;
      if (isInDirectory) yield cursor.offset - 4;
      else if (!(yield* member(cursor))) return;
    }
  },
};

/** Reads a member after the signature of its header. @returns false if the content ends in it */
function* member(cursor: ByteCursor): Steps<boolean> {
  const header = yield* cursor.read(LOCAL_SIZE);
  if (header === undefined) return false;
  const view = viewOf(header);
  const hasDescriptor = (view.getUint16(2, true) & FLAG_DESCRIPTOR) !== 0;
  let size = view.getUint32(14, true);
  const extraSize = view.getUint16(24, true);
  if (!(yield* cursor.skip(view.getUint16(22, true)))) return false;
  if (size === SIZE_IN_EXTRA && extraSize > 0 && extraSize <= MAX_EXTRA_SIZE) {
    const extra = yield* cursor.read(extraSize);
    if (extra === undefined) return false;
    size = zip64Size(viewOf(extra)) ?? 0;
  } else if (!(yield* cursor.skip(extraSize))) return false;

  const start = cursor.offset;
  if (hasDescriptor && size === 0) {
    yield start;
    return yield* contentBeforeDescriptor(cursor, start);
  }
  if (size >= MIN_CONTENT_SIZE) {
    yield start;
    yield start + size;
  }
  if (Number.isSafeInteger(start + size)) cursor.mark([0], start + size);
  return yield* cursor.skip(size);
}

/** Reads a content whose size follows in a data descriptor. @returns false if there is none */
function* contentBeforeDescriptor(cursor: ByteCursor, start: number): Steps<boolean> {
  while ((yield* cursor.pass(DESCRIPTOR_NEEDLE)) !== undefined) {
    const end = cursor.offset - 4;
    const descriptor = yield* cursor.read(DESCRIPTOR_SIZE);
    if (descriptor === undefined) return false;
    // A zip64 descriptor has the low half of its size at the same offset. Its further bytes are skipped by the search for the next header.
    if (viewOf(descriptor).getUint32(4, true) !== (end - start) % 2 ** 32) continue;
    yield end;
    return true;
  }
  return false;
}

/** The compressed size in a zip64 extra field, which is its second number; undefined if there is none. */
function zip64Size(extra: DataView): number | undefined {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === ZIP64_EXTRA && length >= 16 && at + 20 <= extra.byteLength) {
      return extra.getUint32(at + 16, true) * 2 ** 32 + extra.getUint32(at + 12, true);
    }
    at += 4 + length;
  }
  return undefined;
}

function signature(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  viewOf(octets).setUint32(0, value, true);
  return octets;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
