import { closeSync, existsSync, lstatSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SHARED, openStoreFile } from '../base/system/store-files.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import { DEFAULT_DURABILITY } from '../store/durability.ts';
import type { DatafileHeader } from '../store/records/datafile.ts';
import { DATAFILE_HEADER_SIZE, DATAFILE_MAGIC, decodeDatafileHeader } from '../store/records/datafile.ts';
import type { DatadirFormat } from './datadir-format.ts';
import { FORMAT_FILE, writeDatadirFormat } from './datadir-format.ts';
import { dataFileNames } from './index/index-catch-up.ts';

/**
 * Makes a lost or damaged format file of a datadir again, from the headers of its data files. A damaged one is kept beside it. Edge
 * settings
 * and compression are not recorded elsewhere, so the defaults are used. With other edges, new data share fewer Blocks with earlier data.
 *
 * @returns the format, or undefined if there is no data file of ours
 */
export function recoverDatadirFormat(folder: string): DatadirFormat | undefined {
  const headers = headersIn(join(folder, 'data'));
  const [header] = headers;
  if (header === undefined) return undefined;
  const path = join(folder, FORMAT_FILE);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) renameSync(path, `${path}.damaged`);
  const format: DatadirFormat = {
    storeId: header.storeId,
    hashName: header.hashName,
    edges: DEFAULT_EDGES,
    compression: 'none',
    generation: 1,
    durability: DEFAULT_DURABILITY,
    shared: DEFAULT_SHARED,
    ...(headers.every(({ hashName }) => hashName === header.hashName) ? {} : { isMixed: true }),
  };
  writeDatadirFormat(folder, format);
  return format;
}

/** The headers of all data files, newest first. Older files may have another hash function, from before a transition in place. */
function headersIn(dataFolder: string): DatafileHeader[] {
  return dataFileStarts(dataFolder)
    .map(decodeDatafileHeader)
    .flatMap((start) => (start.kind === 'header' ? [start.header] : []))
    .sort((a, b) => (a.createdNs < b.createdNs ? 1 : -1));
}

/**
 * Whether a folder is a datadir of ours: it has the format file, or data files of ours.
 */
export function isDatadir(folder: string): boolean {
  return existsSync(join(folder, FORMAT_FILE)) || dataFileStarts(join(folder, 'data')).some(isOurs);
}

/** Whether a folder is a datadir of the Python vt: it has `.vtd` files, but none of ours. @see vt(5), "The Python vt" */
export function isPythonDatadir(folder: string): boolean {
  if (existsSync(join(folder, FORMAT_FILE))) return false;
  const starts = dataFileStarts(join(folder, 'data'));
  return starts.length > 0 && !starts.some(isOurs);
}

function dataFileStarts(dataFolder: string): Buffer[] {
  return fileNames(dataFolder).map((name) => firstOctets(join(dataFolder, name)));
}

function isOurs(start: Buffer): boolean {
  return start.subarray(0, DATAFILE_MAGIC.length).equals(DATAFILE_MAGIC);
}

function fileNames(dataFolder: string): string[] {
  try {
    return dataFileNames(dataFolder);
  } catch {
    return []; // no such folder
  }
}

function firstOctets(path: string): Buffer {
  const out = Buffer.alloc(DATAFILE_HEADER_SIZE);
  let fd: number;
  try {
    fd = openStoreFile(path, 'read');
  } catch {
    return out.subarray(0, 0); // an unreadable file is ignored
  }
  try {
    return out.subarray(0, readSync(fd, out, 0, out.length, 0));
  } finally {
    closeSync(fd);
  }
}
