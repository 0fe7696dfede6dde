import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { isFullError } from '../base/system/full-error.ts';
import { libc } from '../base/system/libc.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import { MAX_STORED_SIZE } from '../block/hash.ts';
import { voidFooter } from '../datadir/datafiles/datafile-footer.ts';
import { RECORD_FIXED_SIZE, writeGapHeader } from '../store/records/datafile.ts';

// Frees bytes of a data file in place, which needs no room. They become gaps, records that say how much to pass over, with holes
// within them. @see vt(5), "Data files"

/** Bytes of a data file, of whole records. */
export interface OctetRange {
  readonly start: number;
  readonly end: number;
}

/** Joins ranges that touch each other, or overlap. @param ranges - in any order */
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
  /** Default: what the system can. */
  readonly punch?: (fd: number, offset: number, length: number) => boolean;
}

/**
 * Frees ranges of a data file that nobody needs and the index does not know any more. A process that reads the file's records meanwhile, or after a kill,
 * finds those that stay.
 *
 * Where a filesystem has no holes, the range at the file's end is cut off, and others stay as they are.
 *
 * @returns bytes that were freed, and the file's size where it was cut
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
    // Under another name it may be part of a copy of the Store.
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

/** A range as records of gaps: no record is longer than a Block. */
function gapsOf({ start, end }: OctetRange, headerSize: number): OctetRange[] {
  const gaps: OctetRange[] = [];
  for (let at = start; at < end; ) {
    let next = Math.min(end, at + headerSize + MAX_STORED_SIZE);
    // What is left has to hold a header.
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
 * Runs writes into a file. A copy-on-write filesystem that is full has no room even for those: then some is made first, by holes in what goes.
 *
 * @param going - bytes that nobody needs
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
