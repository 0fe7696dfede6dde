import { MAX_BLOCK_SIZE } from '../../block/block-size.ts';
import { hashByEnumeration, MAX_DIGEST_SIZE } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, DATAFILE_MAGIC, decodeRecordHeader, RECORD_FIXED_SIZE, RECORD_MAGIC } from '../../store/records/datafile.ts';
import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor, ignoreRest } from './byte-cursor.ts';

/** The offset of the hash function's number in the header. */
const HASH_AT = 9;

/** Minimum stored bytes of a Block that gets edges. */
const MIN_STORED_SIZE = 256;

/**
 * Data files, ours and the Python vt's. Edges are around the stored bytes of each Block, so an uncompressed one is found again. @see vt(5),
 * "Data files"
 */
export const vtdParser: Parser = {
  name: 'vtd',
  extensions: ['.vtd'],
  mimeTypes: [],
  // This many bytes distinguish our files from the Python vt's, whose first record may begin within them.
  delay: DATAFILE_HEADER_SIZE,
  minSize: 32,
  begins: isDatafile,
  *edges(mark) {
    const cursor = new ByteCursor(mark?.from);
    if (mark !== undefined) {
      const [digestSize = 0] = mark.state;
      yield* digestSize > 0 ? records(cursor, digestSize) : pythonRecords(cursor);
      yield* ignoreRest();
      return;
    }
    const header = yield* cursor.read(DATAFILE_HEADER_SIZE);
    if (header === undefined) return;
    if (isDatafile(header)) {
      yield* records(cursor, hashByEnumeration(header[HASH_AT] ?? 0)?.digestSize ?? MAX_DIGEST_SIZE);
    } else {
      cursor.unread(header);
      yield* pythonRecords(cursor);
    }
    yield* ignoreRest();
  },
};

function isDatafile(head: Uint8Array): boolean {
  return DATAFILE_MAGIC.every((octet, i) => head[i] === octet);
}

function* records(cursor: ByteCursor, digestSize: number): Steps<void> {
  for (;;) {
    cursor.mark([digestSize]);
    const octets = yield* cursor.read(RECORD_FIXED_SIZE + digestSize);
    if (octets === undefined) return;
    const header = decodeRecordHeader(Buffer.from(octets.buffer, octets.byteOffset, octets.length), 0, digestSize);
    if (header !== undefined) {
      if (!(yield* stored(cursor, header.storedSize))) return;
      continue;
    }
    // Damaged: continue at the next magic.
    cursor.unread(octets.subarray(1));
    const found = yield* cursor.pass(RECORD_MAGIC);
    if (found === undefined) return;
    cursor.unread(RECORD_MAGIC);
  }
}

function* pythonRecords(cursor: ByteCursor): Steps<void> {
  for (;;) {
    cursor.mark([0]);
    const flags = yield* integer(cursor);
    if (flags === undefined || flags > 1) return;
    const size = yield* integer(cursor);
    if (size === undefined || size > MAX_BLOCK_SIZE) return;
    if (!(yield* stored(cursor, size))) return;
  }
}

function* stored(cursor: ByteCursor, size: number): Steps<boolean> {
  if (size >= MIN_STORED_SIZE) {
    yield cursor.offset;
    yield cursor.offset + size;
  }
  return yield* cursor.skip(size);
}

/** Reads an integer of vt(5) of at most about 2^39; undefined for a larger one, and at the end of the content. */
export function* integer(cursor: ByteCursor): Steps<number | undefined> {
  for (let value = 0; value < 2 ** 32; ) {
    const octet = (yield* cursor.read(1))?.[0];
    if (octet === undefined) return undefined;
    value = value * 128 + (octet & 0x7f);
    if (octet < 0x80) return value;
  }
  return undefined;
}
