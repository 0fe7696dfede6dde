import { inflateSync } from 'node:zlib';
import type { CopyBuffer } from '../base/copy-buffer.ts';
import { ParseError } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeOf } from '../block/hashcode.ts';

// The data files of the Python vt: bsuint flags, bsdata payload, again and again; no header, no hash, no check.
// @see vt(5), "The Python vt"

const FLAG_ZLIB = 0x01;

/** Largest Block accepted, stored or inflated, in octets: its Dirs are one Block however large. */
const MAX_PYTHON_BLOCK_SIZE = 64 * 1024 * 1024;

/** A Block found in a Python data file. */
export interface PythonVtdRecord {
  /** First octet of the record in the file. */
  readonly offset: number;
  /** First octet of the stored bytes. */
  readonly payloadOffset: number;
  readonly storedSize: number;
  readonly codec: 'none' | 'zlib';
  /** The Block's bytes; those of an uncompressed one are a view of what was read. */
  readonly data: Uint8Array;
  readonly hashcode: HashCode;
}

/**
 * The records of a Python data file, in order; hashcodes are computed, since the file has none. Blocks may come again:
 * the Python vt does not look whether it has one.
 *
 * @param buffer - the file, standing at the start of a record: `CopyBuffer.ofFile(fd, { start })`
 * @param hashName - the hash function of its Store
 * @throws {ParseError} at the offset of the first record that is cut short or damaged; those before it have been given
 */
export async function* scanPythonVtd(buffer: CopyBuffer, hashName: HashName): AsyncGenerator<PythonVtdRecord, void, undefined> {
  while (!(await buffer.atEnd())) {
    const { offset } = buffer;
    const flags = await buffer.bsuint();
    if (flags > FLAG_ZLIB) throw new ParseError(`scan Python .vtd: unknown flags 0x${flags.toString(16)}`, offset);
    const payload = await buffer.bsdata(MAX_PYTHON_BLOCK_SIZE);
    const payloadOffset = buffer.offset - payload.length;
    const codec = flags === FLAG_ZLIB ? 'zlib' : 'none';
    const data = codec === 'zlib' ? inflate(payload, payloadOffset) : payload;
    yield { offset, payloadOffset, storedSize: payload.length, codec, data, hashcode: hashcodeOf(hashName, data) };
  }
}

function inflate(payload: Uint8Array, at: number): Uint8Array {
  try {
    return inflateSync(payload, { maxOutputLength: MAX_PYTHON_BLOCK_SIZE });
  } catch (cause) {
    throw new ParseError(`scan Python .vtd: ${(cause as Error).message}`, at, { cause });
  }
}
