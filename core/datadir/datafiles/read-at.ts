import { readFully } from '../../base/system/read-fully.ts';
import type { ReadAt } from '../../store/records/trailer.ts';

/** Reads of an open file, in new memory. */
export function readAtOf(fd: number): ReadAt {
  return (offset, size) => {
    const data = Buffer.alloc(Math.max(0, size));
    return data.subarray(0, readFully(fd, data, offset));
  };
}
