import { crc32 } from '../../base/crc32.ts';
import { ParseError } from '../../base/errors.ts';
import { DATAFILE_HEADER_SIZE, decodeRecordHeader, GAP_KIND, RECORD_FIXED_SIZE } from './datafile.ts';
import type { DatafileFooter } from './datafile-index.ts';
import { DatafileIndex, decodeFooter, footerSize, MAX_INDEX_SIZE } from './datafile-index.ts';

/** Reads octets of a file; returns fewer at the end of the file. */
export type ReadAt = (offset: number, size: number) => Buffer;

/** The offset of the record with a state's Dirent, and the time of the state. */
export interface StatePlace {
  readonly offset: number;
  /** Nanoseconds since 1970; undefined if the state's footer is missing. */
  readonly whenNs: bigint | undefined;
}

/** The information at the end of a one-file Store. */
export interface Trailer {
  readonly index: DatafileIndex;
  readonly footer: DatafileFooter;
  /** Offset of the footer. */
  readonly footerStart: number;
  /** Oldest first. */
  readonly states: readonly StatePlace[];
}

/** Maximum number of states that are read from footers, some 3 µs each: a file of a stranger may have any number. */
export const MAX_STATES = 100_000;

/**
 * Reads the footer at the end of a file, and the index that it points to, but no records. Undefined if the file does not end with a
 * footer, or the trailer is damaged: then scan the file.
 */
export function readTrailer(readAt: ReadAt, fileSize: number, digestSize: number): Trailer | undefined {
  const footerStart = fileSize - footerSize(digestSize);
  const footer = footerStart < DATAFILE_HEADER_SIZE ? undefined : readFooter(readAt, footerStart, digestSize);
  if (footer === undefined || footer.indexStart + footer.indexSize !== footerStart) return undefined;
  const states: StatePlace[] = [];
  for (let at: DatafileFooter = footer; ; ) {
    const previous = at.previous === 0 ? undefined : readFooter(readAt, at.previous, digestSize);
    if (at.previous !== 0 && (previous === undefined || previous.previous >= at.previous)) return undefined;
    const offset = previous === undefined ? DATAFILE_HEADER_SIZE : at.previous + footerSize(digestSize);
    states.push({ offset, whenNs: at.whenNs });
    if (previous === undefined) break;
    if (states.length > MAX_STATES) return undefined;
    at = previous;
  }
  const parts = readIndex(readAt, footer.indexStart, footerStart, digestSize);
  if (parts === undefined) return undefined;
  try {
    return { index: new DatafileIndex(digestSize, parts), footer, footerStart, states: states.reverse() };
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/**
 * Reads the payloads of the index records of a file, each once its header is known to be right. A file may claim a larger index than there
 * is memory for, and consist of a hole.
 *
 * @returns undefined if one is damaged or something else is among them
 */
function readIndex(readAt: ReadAt, start: number, end: number, digestSize: number): Buffer[] | undefined {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const parts: Buffer[] = [];
  for (let at = start; at < end; ) {
    const header = decodeRecordHeader(readAt(at, headerSize), 0, digestSize);
    const size = headerSize + (header?.storedSize ?? 0);
    if (header?.isGap !== true || header.size !== GAP_KIND.index || size > end - at || header.storedSize > MAX_INDEX_SIZE) return undefined;
    const payload = readAt(at + headerSize, header.storedSize);
    if (payload.length !== header.storedSize || crc32(payload) !== header.payloadCrc) return undefined;
    parts.push(payload);
    at += size;
  }
  return parts;
}

/** Reads the footer at an offset; undefined if there is no complete one. */
export function readFooter(readAt: ReadAt, start: number, digestSize: number): DatafileFooter | undefined {
  const record = readAt(start, footerSize(digestSize));
  const header = decodeRecordHeader(record, 0, digestSize);
  const payload = record.subarray(RECORD_FIXED_SIZE + digestSize);
  const isFooter = header?.isGap === true && header.size === GAP_KIND.footer && header.storedSize === payload.length;
  return isFooter && crc32(payload) === header.payloadCrc ? decodeFooter(payload) : undefined;
}

/** Reads the payloads of consecutive index records; undefined if one is damaged or something else is among them. */
export function readGaps(data: Buffer, size: number, digestSize: number): Buffer[] | undefined {
  if (data.length !== size) return undefined;
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const header = decodeRecordHeader(data, at, digestSize);
    const start = at + RECORD_FIXED_SIZE + digestSize;
    if (header?.isGap !== true || header.size !== GAP_KIND.index || start + header.storedSize > data.length) return undefined;
    const payload = data.subarray(start, start + header.storedSize);
    if (crc32(payload) !== header.payloadCrc) return undefined;
    parts.push(payload);
    at = start + header.storedSize;
  }
  return parts;
}
