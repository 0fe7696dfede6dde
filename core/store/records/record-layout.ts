import { RECORD_FIXED_SIZE } from './datafile.ts';
import type { RecordBatch } from './record-batch.ts';

/** How Blocks of a batch are to stand in a data file: what is appended, and where in it each of them lies. */
export interface RecordLayout {
  /** Whole records, to be appended in this order. */
  readonly pieces: readonly Uint8Array[];
  /** Octets of all pieces. */
  readonly size: number;
  /** Which Blocks of the batch are laid out, ascending; the columns below are theirs. */
  readonly rows: Uint32Array;
  /** Where the stored octets of each begin, from the first octet appended on. */
  readonly offsets: Float64Array;
  /** Octets that its record stores. */
  readonly storedSizes: Uint32Array;
  /** The numbers of their codecs. */
  readonly codecs: Uint8Array;
}

/** Lays out the Blocks of a batch that are new. @param isNew - for each Block of the batch 1 if it is to be stored */
export type LayOutRecords = (batch: RecordBatch, isNew: Uint8Array) => RecordLayout;

/** Records as they are in the batch, each piece as long as may be: mostly all of the image in one. */
export function layOutPlainly(batch: RecordBatch, isNew: Uint8Array): RecordLayout {
  const { count, image, digests } = batch;
  const rows = rowsOf(isNew);
  const offsets = new Float64Array(rows.length);
  const headerSize = RECORD_FIXED_SIZE + (count === 0 ? 0 : digests.length / count);
  const pieces: Uint8Array[] = [];
  let at = 0;
  let start = 0;
  let size = 0;
  for (let i = 0, k = 0; i < count; i++) {
    const end = at + headerSize + (batch.storedSizes[i] as number);
    if (isNew[i] === 0) {
      if (at > start) pieces.push(image.subarray(start, at));
      start = end;
    } else {
      offsets[k++] = size + headerSize;
      size += end - at;
    }
    at = end;
  }
  if (at > start) pieces.push(image.subarray(start, at));
  if (rows.length === count) return { pieces, size, rows, offsets, storedSizes: batch.storedSizes, codecs: batch.codecs };
  const storedSizes = Uint32Array.from(rows, (i) => batch.storedSizes[i] as number);
  const codecs = Uint8Array.from(rows, (i) => batch.codecs[i] as number);
  return { pieces, size, rows, offsets, storedSizes, codecs };
}

/** The numbers of what is to be stored. */
export function rowsOf(isNew: Uint8Array): Uint32Array {
  const rows = new Uint32Array(isNew.length);
  let count = 0;
  for (let i = 0; i < isNew.length; i++) if (isNew[i] !== 0) rows[count++] = i;
  return rows.subarray(0, count);
}
