import { closeSync } from 'node:fs';
import { seekData, seekHole } from '../../base/system/libc.ts';

/** Closes a file that was only read. Errors are ignored, since no data can be lost. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // see above
  }
}

/** A part of a file: bytes to read, or a hole. */
export interface FileSlice {
  readonly hole: boolean;
  readonly offset: number;
  readonly length: number;
}

/** Shorter holes are read, because two system calls and a separate slice would cost more. Must be at least MIN_RUN_SIZE. */
const MIN_HOLE_SIZE = 64 * 1024;

/**
 * Divides a file into parts, in order: data in slices of at most `sliceSize` bytes, and whole holes.
 *
 * @param size - bytes of the file
 * @param sparse - whether it may have holes
 */
export function* fileSlices(fd: number, size: number, sparse: boolean, sliceSize: number): Generator<FileSlice, void, undefined> {
  let offset = 0;
  while (offset < size) {
    const data = sparse ? Math.min(size, seekData(fd, offset) ?? size) : offset;
    const hasHole = data - offset >= MIN_HOLE_SIZE;
    if (hasHole) yield { hole: true, offset, length: data - offset };
    const start = hasHole ? data : offset;
    // If the file is truncated meanwhile, the offsets may be wrong. Always move forward.
    const end = sparse ? Math.min(size, Math.max(data, start + 1, seekHole(fd, data) ?? size)) : size;
    for (let at = start; at < end; at += sliceSize) yield { hole: false, offset: at, length: Math.min(sliceSize, end - at) };
    offset = Math.max(end, start);
  }
}
