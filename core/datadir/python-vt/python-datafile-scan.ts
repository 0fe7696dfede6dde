import { inflateSync } from 'node:zlib';
import { decodeBsuint } from '../../base/bsuint.ts';
import { ParseError, throwIfCancelled } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { ScannedRecord, ScanResult } from '../datafiles/datafile-scan.ts';
import { FileWindow } from '../datafiles/file-window.ts';

// The data files of the Python vt: records of bsuint flags and bsdata payload, without header, digest or check. What
// a record holds is known only by decoding and hashing it. @see vt(5), "The Python vt"

const FLAG_ZLIB = 0x01;
/** Largest record read: its Dirs are single Blocks, however big. */
const MAX_RECORD_SIZE = 256 * 1024 * 1024;
/** Bytes of two bsuints at most. */
const HEAD_SIZE = 32;
/** A zlib stream of nothing: two bytes of head, two of an empty block, four of a sum. */
const MIN_ZLIB_SIZE = 8;
/** RFC 1950's number for it. */
const DEFLATE = 8;
const PAUSE_SIZE = 4 * 1024 * 1024;

export interface PythonScanOptions {
  readonly start: number;
  readonly end: number;
  readonly hash: HashFunction;
  readonly onRecord: (record: ScannedRecord) => void;
  readonly pause: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the records of a Python vt's data file from an offset on. Past a damaged record's head nothing can be found. */
export async function scanPythonDatafile(fd: number, options: PythonScanOptions): Promise<ScanResult> {
  const window = new FileWindow(fd, options.end);
  const damage: { start: number; end: number; kind: 'damage' | 'tail' }[] = [];
  let position = options.start;
  let pauseAt = position + PAUSE_SIZE;
  while (position < options.end) {
    if (position >= pauseAt) {
      throwIfCancelled(options.signal);
      await options.pause();
      pauseAt = position + PAUSE_SIZE;
    }
    const head = decodeHead(window.at(position, HEAD_SIZE));
    if (head === 'damaged' || head === undefined || position + head.size + head.storedSize > options.end) {
      damage.push({ start: position, end: options.end, kind: head === 'damaged' ? 'damage' : 'tail' });
      break;
    }
    const offset = position + head.size;
    const next = offset + head.storedSize;
    const data = decodePayload(window.copy(offset, head.storedSize), head.zlib);
    const last = damage.at(-1);
    if (data === undefined && last?.end === position) last.end = next;
    else if (data === undefined) damage.push({ start: position, end: next, kind: 'damage' });
    else {
      const codec = head.zlib ? 'zlib' : 'none';
      options.onRecord({
        digest: Uint8Array.from(options.hash.digest(data)),
        codec,
        offset,
        storedSize: head.storedSize,
        size: data.length,
      });
    }
    position = next;
  }
  return { indexedTo: position, damage };
}

interface Head {
  /** Bytes of the head. */
  readonly size: number;
  readonly storedSize: number;
  readonly zlib: boolean;
}

function decodeHead(data: Buffer): Head | 'damaged' | undefined {
  try {
    const { value: flags, next: lengthAt } = decodeBsuint(data, 0);
    if ((flags & ~FLAG_ZLIB) !== 0) return 'damaged';
    const { value: storedSize, next: size } = decodeBsuint(data, lengthAt);
    if (storedSize > MAX_RECORD_SIZE) return 'damaged';
    return { size, storedSize, zlib: (flags & FLAG_ZLIB) !== 0 };
  } catch (error) {
    if (error instanceof ParseError) return data.length < HEAD_SIZE ? undefined : 'damaged';
    throw error;
  }
}

function decodePayload(stored: Buffer, zlib: boolean): Buffer | undefined {
  if (!zlib) return stored;
  if (!mayBeZlib(stored)) return undefined;
  try {
    return inflateSync(stored, { maxOutputLength: MAX_RECORD_SIZE });
  } catch {
    return undefined;
  }
}

/** Whether bytes may be a zlib stream (RFC 1950): to find that they are none by trying takes 60 µs and 64 KiB. */
function mayBeZlib(stored: Buffer): boolean {
  const [method = 0, flags = 0] = stored;
  return stored.length >= MIN_ZLIB_SIZE && (method & 0x0f) === DEFLATE && ((method << 8) | flags) % 31 === 0;
}
