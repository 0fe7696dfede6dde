import type { HashFunction } from '../block/hash.ts';
import type { BlockLocation } from '../store/block-location.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';

/** Octets of records that are read with one call, at most, unless one alone has more. */
const MAX_RUN_SIZE = 1024 * 1024;

/** Records that lie one after the other in a data file. */
export interface RecordRun {
  readonly path: string;
  /** Where the header of the first begins. */
  readonly offset: number;
  readonly size: number;
  /** Which of the Blocks they are, in the order of the file. */
  readonly indexes: readonly number[];
}

/** Where Blocks lie, as runs of records in the order of the files. What is not located is in none. */
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
