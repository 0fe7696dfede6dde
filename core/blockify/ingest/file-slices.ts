import { closeSync } from 'node:fs';
import { seekData, seekHole } from '../../base/system/libc.ts';

/** Closes a file that was only read: nothing is lost if that fails. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // as said
  }
}

/** A part of a file: bytes to read, or a hole. */
export interface FileSlice {
  readonly hole: boolean;
  readonly offset: number;
  readonly length: number;
}

/** Shorter holes are read: two system calls and a slice of their own would cost more. At least MIN_RUN_SIZE of the edge kernel. */
const MIN_HOLE_SIZE = 64 * 1024;

/**
 * The parts of a file in order: its data in slices of at most `sliceSize` bytes, its holes whole and unread.
 *
 * @param size - bytes of the file
 * @param sparse - whether it may have holes at all
 */
export function* fileSlices(fd: number, size: number, sparse: boolean, sliceSize: number): Generator<FileSlice, void, undefined> {
  let offset = 0;
  while (offset < size) {
    const data = sparse ? Math.min(size, seekData(fd, offset) ?? size) : offset;
    const hasHole = data - offset >= MIN_HOLE_SIZE;
    if (hasHole) yield { hole: true, offset, length: data - offset };
    const start = hasHole ? data : offset;
    // A file that is cut short meanwhile may answer nonsense: always go forward.
    const end = sparse ? Math.min(size, Math.max(data, start + 1, seekHole(fd, data) ?? size)) : size;
    for (let at = start; at < end; at += sliceSize) yield { hole: false, offset: at, length: Math.min(sliceSize, end - at) };
    offset = Math.max(end, start);
  }
}
