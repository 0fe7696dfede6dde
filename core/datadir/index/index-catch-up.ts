import { closeSync, fdatasync, fstatSync, lstatSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import { openStoreFile } from '../../base/system/store-files.ts';
import { hashByName } from '../../block/hash.ts';
import type { OtherNames } from '../../store/capabilities.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader } from '../../store/records/datafile.ts';
import { footerPlaces } from '../datafiles/datafile-footer.ts';
import type { ScannedRecord, ScanResult } from '../datafiles/datafile-scan.ts';
import { scanDatafile } from '../datafiles/datafile-scan.ts';
import { hashOfDatafile } from '../datafiles/file-hash.ts';
import { readAtOf } from '../datafiles/read-at.ts';
import { digestInStore } from '../names/record-names.ts';
import type { FileMarks, IndexBatch, IndexOwner, Location } from './index-types.ts';

const syncData = promisify(fdatasync);
/** Blocks put in one transaction while catching up. */
const BATCH_BLOCKS = 16384;

/** A data file, as the index knows it and as it is. */
export interface BehindFile {
  readonly name: string;
  readonly marks: FileMarks;
}

/** How the data files of a datadir compare with what its index knows of them. */
export interface IndexState {
  /** Files with bytes that the index has not seen. */
  readonly behind: readonly BehindFile[];
  /** Files that are gone or shorter than they were: what the index says of them is void. */
  readonly lost: readonly string[];
}

/** The names of the data files in a folder: foreign files, and those whose names start with a comma, are passed over. */
export function dataFileNames(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.vtd') && !name.startsWith(',') && !name.startsWith('.'));
}

/** Compares the sizes of the data files with the marks. One stat(2) a file. */
export function compareMarks(folder: string, marks: ReadonlyMap<string, FileMarks>): IndexState {
  const behind: BehindFile[] = [];
  const lost: string[] = [];
  const present = new Set<string>();
  for (const name of dataFileNames(folder)) {
    const found = marks.get(name) ?? { indexedTo: 0, seenSize: 0 };
    const seen = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (seen === undefined || !seen.isFile()) continue;
    present.add(name);
    if (seen.size < found.indexedTo) lost.push(name);
    else if (seen.size !== found.seenSize) behind.push({ name, marks: found });
  }
  for (const [name, { indexedTo }] of marks) if (!present.has(name) && indexedTo > 0) lost.push(name);
  return { behind, lost };
}

/** Where catching up puts what it finds: an index, or memory where nothing may be written. */
export interface IndexSink {
  commit(batch: IndexBatch): Promise<void>;
}

export interface CatchUpOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with a sentence about what was found amiss. */
  readonly onNotice: (notice: string) => void;
  /** Make what is found durable before anyone may see it; false where the files cannot change. */
  readonly sync: boolean;
}

/** Scans part of a data file; see {@link scanDatafile}. */
export type ScanFile = (fd: number, path: string, size: number, from: number, hooks: ScanHooks) => Promise<ScanResult | undefined>;

/** What a scan tells, and when it pauses. */
export interface ScanHooks {
  readonly onRecord: (record: ScannedRecord) => void;
  readonly pause: () => Promise<void>;
}

/**
 * Puts into the index what our data files hold beyond its marks.
 *
 * @throws {VtError} EUNSUPPORTED for a data file of a later version
 */
export async function catchUp(
  folder: string,
  owner: IndexOwner & { readonly names: Pick<OtherNames, 'find'> },
  behind: readonly BehindFile[],
  sink: IndexSink,
  options: CatchUpOptions,
): Promise<void> {
  const storeHash = hashByName(owner.hashName);
  const scan: ScanFile = (fd, path, size, from, { onRecord, ...rest }) => {
    const start = startOf(fd, path, size, options);
    if (start === undefined) return Promise.resolve(undefined);
    const read = readAtOf(fd);
    const hash = hashOfDatafile(read, storeHash);
    const hooks: ScanHooks = {
      ...rest,
      onRecord(record) {
        const digest = digestInStore({ names: owner.names, hash: storeHash }, hash, record, read);
        if (digest !== undefined) onRecord(digest === record.digest ? record : { ...record, digest });
      },
    };
    const places = from === 0 && !start.distrust ? footerPlaces(fd, hash) : undefined;
    if (places !== undefined) return tellPlaces(places, size, hooks);
    return scanDatafile(fd, {
      start: Math.max(start.offset, from),
      end: size,
      hash,
      distrust: start.distrust,
      ...hooks,
      signal: options.signal,
    });
  };
  await catchUpBy(scan, folder, behind, sink, options);
}

/** Reports the records of a file that ends in an index, as a scan of it would. */
async function tellPlaces(
  places: NonNullable<ReturnType<typeof footerPlaces>>,
  size: number,
  { onRecord, pause }: ScanHooks,
): Promise<ScanResult> {
  for (const [i, [digest, place]] of places.entries()) {
    onRecord({ digest, ...place });
    if ((i + 1) % BATCH_BLOCKS === 0) await pause();
  }
  return { indexedTo: size, damage: [] };
}

/** Puts into the index what data files hold beyond its marks, as `scan` finds it. */
export async function catchUpBy(
  scan: ScanFile,
  folder: string,
  behind: readonly BehindFile[],
  sink: IndexSink,
  options: CatchUpOptions,
): Promise<void> {
  for (const file of behind) {
    throwIfCancelled(options.signal);
    const path = join(folder, file.name);
    const fd = openStoreFile(path, 'read');
    try {
      await catchUpFile(scan, fd, path, file, sink, options);
    } finally {
      closeSync(fd);
    }
  }
}

async function catchUpFile(
  scan: ScanFile,
  fd: number,
  path: string,
  file: BehindFile,
  sink: IndexSink,
  options: CatchUpOptions,
): Promise<void> {
  const size = fstatSync(fd).size;
  // Its writer may not have got so far, or may have died before it did.
  if (options.sync) await syncData(fd);
  let blocks: [Uint8Array, Location][] = [];
  let indexedTo = file.marks.indexedTo;
  let committed: Promise<void> = Promise.resolve();
  const put = async (seenSize: number): Promise<void> => {
    const batch = { blocks, marks: new Map([[file.name, { indexedTo, seenSize }]]), cachePuts: [] };
    blocks = [];
    await committed;
    committed = sink.commit(batch);
  };
  const result = await scan(fd, path, size, file.marks.indexedTo, {
    onRecord({ digest, offset, storedSize, size: blockSize, codec }) {
      blocks.push([digest, { file: file.name, offset, storedSize, size: blockSize, codec }]);
      indexedTo = offset + storedSize;
    },
    async pause() {
      // What a batch holds is looked up by nobody yet: a kill now costs one batch of scanning.
      if (blocks.length >= BATCH_BLOCKS) await put(indexedTo);
      else await new Promise((resolve) => setImmediate(resolve));
    },
  });
  if (result === undefined) return;
  indexedTo = result.indexedTo;
  await put(size);
  await committed;
  const damaged = result.damage.filter((part) => part.kind === 'damage');
  if (damaged.length === 0) return;
  const where = damaged.slice(0, 3).map((part) => `${part.start}..${part.end}`);
  options.onNotice(
    `data file "${path}": damaged at bytes ${where.join(', ')}${damaged.length > 3 ? ' and elsewhere' : ''}; the Blocks there are lost`,
  );
}

function startOf(fd: number, path: string, size: number, options: CatchUpOptions): { offset: number; distrust: boolean } | undefined {
  const head = Buffer.alloc(Math.min(DATAFILE_HEADER_SIZE, size));
  readSync(fd, head, 0, head.length, 0);
  const start = decodeDatafileHeader(head);
  switch (start.kind) {
    case 'short':
      return undefined;
    case 'newer':
      throw new VtError('EUNSUPPORTED', `read data file "${path}": version ${start.version} is newer than this program`, {
        remedy: 'use a later vtftp',
      });
    case 'damaged':
      options.onNotice(`data file "${path}": ${start.reason}; looking for records in it`);
      return { offset: 0, distrust: true };
    case 'header':
      return { offset: DATAFILE_HEADER_SIZE, distrust: false };
  }
}
