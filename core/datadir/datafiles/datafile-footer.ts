import { closeSync, fstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreFile } from '../../base/system/store-files.ts';
import type { HashFunction } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, RECORD_FIXED_SIZE, writeGapHeader } from '../../store/records/datafile.ts';
import { type DatafileIndex, encodeFooter, footerSize, type PlaceList, type RecordPlace } from '../../store/records/datafile-index.ts';
import { readTrailer } from '../../store/records/trailer.ts';
import type { DatafileWriter } from './datafile-writer.ts';
import { walkHeaders } from './header-walk.ts';
import { readAtOf } from './read-at.ts';

// A data file that is full ends in an index and a footer, as a one-file Store does. @see vt(5), "Data files"

/** How far the time of the last write may be from the time in the footer. */
const MAX_APART_NS = 2_000_000_000n;

/**
 * Ends a full data file with an index of all its records. Where something in it is not what its writer put there, it gets none.
 *
 * @throws the system's error; what was appended earlier stays good
 */
export async function appendFooter(folder: string, writer: DatafileWriter, hash: HashFunction): Promise<void> {
  const { places, takenUpAt } = writer;
  if (places === undefined || writer.placedTo !== writer.size) return;
  if (takenUpAt > DATAFILE_HEADER_SIZE && !(await addEarlier(join(folder, writer.name), takenUpAt, hash, places))) return;
  const indexStart = writer.size;
  for (const record of places.records()) writer.append([record]);
  const footer = {
    indexStart,
    indexSize: writer.size - indexStart,
    previous: 0,
    metadataEnd: DATAFILE_HEADER_SIZE,
    whenNs: writer.writtenNs(),
  };
  writer.append([encodeFooter(footer, hash.digestSize)]);
}

/** Adds what earlier sessions wrote. @returns whether all of it is records */
async function addEarlier(path: string, end: number, hash: HashFunction, places: PlaceList): Promise<boolean> {
  const fd = openStoreFile(path, 'read');
  try {
    return (await walkHeaders(fd, end, hash, ({ digest, ...place }) => places.add(digest, place))) === end;
  } finally {
    closeSync(fd);
  }
}

/**
 * The places of all Blocks of a data file that ends in a footer, in the order in which they are. Undefined where it does not,
 * where a part is damaged, or where the file was written to since. An earlier version that frees bytes leaves the footer as it
 * is.
 */
export function footerPlaces(fd: number, hash: HashFunction): (readonly [digest: Uint8Array, place: RecordPlace])[] | undefined {
  const index = footerIndex(fd, hash);
  return index === undefined ? undefined : [...index.entries()].sort(([, a], [, b]) => a.offset - b.offset);
}

/** The index of a data file that ends in a footer, under the same conditions. */
export function footerIndex(fd: number, hash: HashFunction): DatafileIndex | undefined {
  const { size, mtimeNs } = fstatSync(fd, { bigint: true });
  const trailer = readTrailer(readAtOf(fd), Number(size), hash.digestSize);
  if (trailer === undefined) return undefined;
  const apart = mtimeNs - trailer.footer.whenNs;
  return apart > MAX_APART_NS || apart < -MAX_APART_NS ? undefined : trailer.index;
}

/** Makes a footer at the end of a file one that does not count, durably only with what is written next. @param fd - open to read and write */
export function voidFooter(fd: number, digestSize: number): void {
  const { size } = fstatSync(fd);
  if (readTrailer(readAtOf(fd), size, digestSize) === undefined) return;
  const header = Buffer.alloc(RECORD_FIXED_SIZE + digestSize);
  const whole = footerSize(digestSize);
  writeGapHeader(header, digestSize, whole - header.length);
  writeSync(fd, header, 0, header.length, size - whole);
}
