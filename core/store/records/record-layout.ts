import { RECORD_FIXED_SIZE } from './datafile.ts';
import type { RecordBatch } from './record-batch.ts';

/** How to store the Blocks of a batch in a data file: the octets to append, and the place of each Block in them. */
export interface RecordLayout {
  /** Whole records to append in this order. */
  readonly pieces: readonly Uint8Array[];
  /** Total octets of the pieces. */
  readonly size: number;
  /** The ascending rows of the Blocks in the batch; the columns below belong to them. */
  readonly rows: Uint32Array;
  /** Offset of the stored octets of each, from the first appended octet. */
  readonly offsets: Float64Array;
  /** Stored octets of each. */
  readonly storedSizes: Uint32Array;
  /** The codec number of each. */
  readonly codecs: Uint8Array;
}

/** Makes the layout of a batch's new Blocks. @param isNew - for each Block of the batch 1 if it is to be stored */
export type LayOutRecords = (batch: RecordBatch, isNew: Uint8Array) => RecordLayout;

/** Keeps the records as in the batch, in pieces as long as possible: mostly the whole image. */
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

/** The rows of the Blocks to store. */
export function rowsOf(isNew: Uint8Array): Uint32Array {
  const rows = new Uint32Array(isNew.length);
  let count = 0;
  for (let i = 0; i < isNew.length; i++) if (isNew[i] !== 0) rows[count++] = i;
  return rows.subarray(0, count);
}
