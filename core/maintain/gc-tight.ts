import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Datadir } from '../datadir/datadir-store.ts';
import type { IndexRewrite } from '../datadir/index/index-types.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { Entry } from './gc-entries.ts';
import { emptyFrames } from './gc-frames.ts';
import { freeInPlace, joinedRanges, type OctetRange } from './gc-in-place.ts';

// gc with little free space. Unneeded records are freed in place, part by part. The first parts are small, so that the change of the index
// fits; each part makes room for a larger one.

/** With less free space than this, in bytes, gc makes no copies. */
export const TIGHT_ROOM: number = 64 * 1024 * 1024;
/** Blocks per part: at least, and at most. */
const MIN_PART = 500;
const MAX_PART = 200_000;
/** The index may use one eighth of the free space for one part. */
const SHARE = 8;

/** Free bytes on the disk of a Store. */
export function roomOf(storeFolder: string): number {
  const { bavail, bsize } = statfsSync(storeFolder);
  return bavail * bsize;
}

/** How many Blocks a part may have. @param room - free bytes, as far as known */
export function partSize(room: number, digestSize: number): number {
  return Math.max(MIN_PART, Math.min(MAX_PART, Math.floor(room / SHARE / (digestSize + 19))));
}

/** The ranges of the records of entries. */
export function rangesOf(entries: readonly Entry[], digestSize: number): OctetRange[] {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  return joinedRanges(entries.map(([, { offset, storedSize }]) => ({ start: offset - headerSize, end: offset + storedSize })));
}

/** Removes entries of one data file from the index, and frees their bytes in place. @returns bytes freed */
export function dropInPlace(datadir: Datadir, file: string, entries: readonly Entry[]): number {
  const { path, hash, index, readers } = datadir.internals();
  const { digestSize } = readers.hashOf(file, hash);
  if (entries.length === 0) return 0;
  const changes: IndexRewrite[] = entries.map(([digest, from]) => ({ digest, from, to: undefined }));
  index.rewrite(changes, new Map());
  const ranges = joinedRanges([
    ...rangesOf(entries, digestSize),
    ...emptyFrames((offset, size) => readers.read(file, offset, size), entries, digestSize),
  ]);
  const { freed, cutTo } = freeInPlace(join(path, 'data', file), ranges, { digestSize });
  if (cutTo !== undefined) index.rewrite([], new Map([[file, { indexedTo: cutTo, seenSize: cutTo }]]));
  return freed;
}
