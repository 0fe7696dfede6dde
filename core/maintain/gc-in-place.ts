import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { isFullError } from '../base/system/full-error.ts';
import { libc } from '../base/system/libc.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import { MAX_STORED_SIZE } from '../block/hash.ts';
import { voidFooter } from '../datadir/datafiles/datafile-footer.ts';
import { RECORD_FIXED_SIZE, writeGapHeader } from '../store/records/datafile.ts';

// Frees bytes of a data file in place, which needs no free space. They become gaps: records that tell readers how much to skip, with holes
// inside. @see vt(5), "Data files"

/** A range of bytes of a data file; it consists of whole records. */
export interface OctetRange {
  readonly start: number;
  readonly end: number;
}

/** Joins ranges that touch or overlap. @param ranges - in any order */
export function joinedRanges(ranges: readonly OctetRange[]): OctetRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}

export interface FreeInPlaceOptions {
  readonly digestSize: number;
  /** Makes a hole; returns false if the filesystem cannot. Default: the system's call. */
  readonly punch?: (fd: number, offset: number, length: number) => boolean;
}

/**
 * Frees ranges of a data file that the index no longer has. A process that reads the file's records meanwhile, or after a kill, still finds
 * the others.
 *
 * On a filesystem without holes, only a range at the end of the file is freed, by truncation.
 *
 * @param path - the data file
 * @param ranges - ranges of whole records
 * @returns the bytes that were freed, and the new size if the file was truncated
 * @throws the system's error
 */
export function freeInPlace(
  path: string,
  ranges: readonly OctetRange[],
  { digestSize, punch = libc().punchHole }: FreeInPlaceOptions,
): { readonly freed: number; readonly cutTo: number | undefined } {
  const fd = openStoreFile(path, 'update');
  try {
    const { size, nlink } = fstatSync(fd);
    // With a second hard link the file may be part of a copy of the Store.
    if (nlink > 1) return { freed: 0, cutTo: undefined };
    let freed = 0;
    let cutTo: number | undefined;
    const headerSize = RECORD_FIXED_SIZE + digestSize;
    const withRoom = roomMaker(
      fd,
      ranges.flatMap((range) => gapsOf(range, headerSize)).map(({ start, end }) => ({ start: start + headerSize, end })),
      punch,
    );
    withRoom(() => voidFooter(fd, digestSize));
    for (const range of ranges) {
      const gaps = gapsOf(range, headerSize);
      for (const { start, end } of gaps) withRoom(() => writeGap(fd, start, end - start - headerSize, digestSize));
      fdatasyncSync(fd);
      let isPunched = true;
      for (const { start, end } of gaps) {
        const from = start + headerSize;
        if (end > from && !punch(fd, from, end - from)) isPunched = false;
      }
      if (isPunched) freed += range.end - range.start;
      else if (range.end === size) {
        ftruncateSync(fd, range.start);
        fdatasyncSync(fd);
        freed += range.end - range.start;
        cutTo = range.start;
      }
    }
    return { freed, cutTo };
  } finally {
    closeSync(fd);
  }
}

/** Splits a range into gaps, since no record is longer than a Block. */
function gapsOf({ start, end }: OctetRange, headerSize: number): OctetRange[] {
  const gaps: OctetRange[] = [];
  for (let at = start; at < end; ) {
    let next = Math.min(end, at + headerSize + MAX_STORED_SIZE);
    // The rest must have room for a header.
    if (next < end && end - next < headerSize) next = end - headerSize;
    gaps.push({ start: at, end: next });
    at = next;
  }
  return gaps;
}

function writeGap(fd: number, start: number, size: number, digestSize: number): void {
  const header = Buffer.alloc(RECORD_FIXED_SIZE + digestSize);
  writeGapHeader(header, digestSize, size);
  writeSync(fd, header, 0, header.length, start);
}

/**
 * Makes a function that runs writes into a file. A full copy-on-write filesystem has no room even to overwrite: then holes in the ranges to
 * free make room first.
 *
 * @param going - ranges whose bytes nobody needs
 */
function roomMaker(fd: number, going: readonly OctetRange[], punch: NonNullable<FreeInPlaceOptions['punch']>): (write: () => void) => void {
  const left = [...going].sort((a, b) => a.end - a.start - (b.end - b.start));
  return (write) => {
    for (;;) {
      try {
        write();
        return;
      } catch (error) {
        const hole = isFullError(error) ? left.pop() : undefined;
        if (hole === undefined || hole.end <= hole.start || !punch(fd, hole.start, hole.end - hole.start)) throw error;
        fdatasyncSync(fd);
      }
    }
  };
}
