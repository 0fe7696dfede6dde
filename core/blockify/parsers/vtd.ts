import { MAX_BLOCK_SIZE } from '../../block/block-size.ts';
import { hashByEnumeration, MAX_DIGEST_SIZE } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, DATAFILE_MAGIC, decodeRecordHeader, RECORD_FIXED_SIZE, RECORD_MAGIC } from '../../store/records/datafile.ts';
import type { Parser } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { ByteCursor, ignoreRest } from './byte-cursor.ts';

/** Where the number of the hash function is in the header. */
const HASH_AT = 9;

/** Stored bytes of a Block that has edges; smaller ones stay with what is around them. */
const MIN_STORED_SIZE = 256;

/** Data files, ours and those of the Python vt: what is stored of a Block becomes that Block again. @see vt(5), "Data files" */
export const vtdParser: Parser = {
  name: 'vtd',
  extensions: ['.vtd'],
  mimeTypes: [],
  // So much is read to tell ours from those of the Python vt, whose first record may begin in it.
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
    // Damaged: continues where the next magic is.
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

/** An integer of vt(5), of no more than 2^32; undefined for a larger one, and at the end. */
export function* integer(cursor: ByteCursor): Steps<number | undefined> {
  for (let value = 0; value < 2 ** 32; ) {
    const octet = (yield* cursor.read(1))?.[0];
    if (octet === undefined) return undefined;
    value = value * 128 + (octet & 0x7f);
    if (octet < 0x80) return value;
  }
  return undefined;
}
