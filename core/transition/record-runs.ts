import type { HashFunction } from '../block/hash.ts';
import type { BlockLocation } from '../store/block-location.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';

/** Maximum octets of records read with one call; a single record may exceed it. */
const MAX_RUN_SIZE = 1024 * 1024;

/** A run of contiguous records in a data file. */
export interface RecordRun {
  readonly path: string;
  /** Offset of the first record's header. */
  readonly offset: number;
  readonly size: number;
  /** Indexes of their Blocks, in the order of the file. */
  readonly indexes: readonly number[];
}

/** Combines the places of Blocks into runs of records, in file order. Blocks without a place are left out. */
export function recordRuns(located: readonly (BlockLocation | undefined)[], hash: HashFunction): RecordRun[] {
  const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  const order: { readonly index: number; readonly at: BlockLocation }[] = [];
  for (const [index, at] of located.entries()) if (at !== undefined) order.push({ index, at });
  order.sort((a, b) => (a.at.file === b.at.file ? a.at.offset - b.at.offset : a.at.file < b.at.file ? -1 : 1));
  const runs: { path: string; offset: number; size: number; indexes: number[] }[] = [];
  for (const { index, at } of order) {
    const size = headerSize + at.storedSize;
    const last = runs.at(-1);
    if (last?.path === at.file && last.offset + last.size === at.offset - headerSize && last.size + size <= MAX_RUN_SIZE) {
      last.size += size;
      last.indexes.push(index);
    } else runs.push({ path: at.file, offset: at.offset - headerSize, size, indexes: [index] });
  }
  return runs;
}
