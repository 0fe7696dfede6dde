import { closeSync, fdatasync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { hashByName } from '../block/hash.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader } from './datafile.ts';
import type { ScannedRecord } from './datafile-scan.ts';
import { scanDatafile } from './datafile-scan.ts';
import type { FileMarks, IndexBatch, IndexOwner, Location } from './lmdb-index.ts';

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
  /** Files with octets that the index has not seen. */
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
    const seen = statSync(join(folder, name), { throwIfNoEntry: false });
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
  /** Told, in a sentence, of what was found amiss. */
  readonly onNotice: (notice: string) => void;
  /** Make what is found durable before anyone may see it; false where the files cannot change. */
  readonly sync: boolean;
}

/** Puts into the index what the data files hold beyond its marks. */
export async function catchUp(folder: string, owner: IndexOwner, behind: readonly BehindFile[], sink: IndexSink, options: CatchUpOptions): Promise<void> {
  for (const file of behind) {
    throwIfCancelled(options.signal);
    await catchUpFile(folder, owner, file, sink, options);
  }
}

async function catchUpFile(folder: string, owner: IndexOwner, file: BehindFile, sink: IndexSink, options: CatchUpOptions): Promise<void> {
  const path = join(folder, file.name);
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size;
    const start = startOf(fd, path, size, owner, options);
    if (start === undefined) return;
    // Its writer may not have got so far, or may have died before it did.
    if (options.sync) await syncData(fd);
    let blocks: [Uint8Array, Location][] = [];
    let committed: Promise<void> = Promise.resolve();
    const put = async (marks: FileMarks): Promise<void> => {
      const batch = { blocks, marks: new Map([[file.name, marks]]), cachePuts: [] };
      blocks = [];
      await committed;
      committed = sink.commit(batch);
    };
    let last: ScannedRecord | undefined;
    const result = await scanDatafile(fd, {
      start: Math.max(start.offset, file.marks.indexedTo),
      end: size,
      hash: hashByName(owner.hashName),
      distrust: start.distrust,
      onRecord(record) {
        last = record;
        blocks.push([record.digest, { file: file.name, offset: record.offset, storedSize: record.storedSize, size: record.size, codec: record.codec }]);
      },
      async pause() {
        if (blocks.length < BATCH_BLOCKS || last === undefined) {
          await new Promise((resolve) => setImmediate(resolve));
          return;
        }
        const indexedTo = last.offset + last.storedSize;
        await put({ indexedTo, seenSize: indexedTo });
      },
      signal: options.signal,
    });
    await put({ indexedTo: result.indexedTo, seenSize: size });
    await committed;
    const damaged = result.damage.filter((part) => part.kind === 'damage');
    if (damaged.length > 0) {
      const where = damaged.slice(0, 3).map((part) => `${part.start}..${part.end}`);
      options.onNotice(`data file "${path}": damaged at octets ${where.join(', ')}${damaged.length > 3 ? ' and elsewhere' : ''}; the Blocks there are lost`);
    }
  } finally {
    closeSync(fd);
  }
}

function startOf(fd: number, path: string, size: number, owner: IndexOwner, options: CatchUpOptions): { offset: number; distrust: boolean } | undefined {
  const head = Buffer.alloc(Math.min(DATAFILE_HEADER_SIZE, size));
  readSync(fd, head, 0, head.length, 0);
  const start = decodeDatafileHeader(head);
  switch (start.kind) {
    case 'short':
      return undefined;
    case 'newer':
      throw new VtError('EUNSUPPORTED', `read data file "${path}": version ${start.version} is newer than this program`, { remedy: 'use a later vtftp' });
    case 'damaged':
      options.onNotice(`data file "${path}": ${start.reason}; looking for records in it`);
      return { offset: 0, distrust: true };
    case 'header':
      if (start.header.hashName === owner.hashName) return { offset: DATAFILE_HEADER_SIZE, distrust: false };
      options.onNotice(`data file "${path}": its hash function is ${start.header.hashName}, not ${owner.hashName}; passed over`);
      return undefined;
  }
}
