import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../base/system/file-lock.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import type { FileMarks } from '../datadir/index/index-types.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader } from '../store/records/datafile.ts';

/** A data file, as gc sees it. */
export interface GcFile {
  readonly name: string;
  readonly size: number;
  /** Bytes on disk: fewer than its size if it has holes. */
  readonly allocated: number;
  /** Its mtime, in milliseconds since 1970. */
  readonly changedMs: number;
  /** A descriptor that holds the file's lock, so nobody writes to it. Undefined if somebody else does. */
  readonly fd: number | undefined;
  /** Whether a killed gc had already copied it. */
  readonly isLeftover: boolean;
}

/** Locks every data file that nobody writes to, until it is disposed. */
export class GcFiles {
  readonly files: readonly GcFile[];

  constructor(dataFolder: string, marks: ReadonlyMap<string, FileMarks>) {
    const files: GcFile[] = [];
    for (const name of dataFileNames(dataFolder).sort()) {
      const fd = openStoreFile(join(dataFolder, name), 'read');
      const isFree = tryLock(fd) === 'held';
      const { size, blocks, mtimeMs } = fstatSync(fd);
      files.push({
        name,
        size,
        allocated: Math.min(size, blocks * 512),
        changedMs: mtimeMs,
        fd: isFree ? fd : undefined,
        isLeftover: isFree && isLeftover(fd, size, marks.get(name)),
      });
      if (!isFree) closeSync(fd);
    }
    this.files = files;
  }

  /** Releases every lock. */
  [Symbol.dispose](): void {
    for (const { fd } of this.files) if (fd !== undefined) closeSync(fd);
  }
}

// Only gc leaves marks that say "all seen, nothing indexed" on a file with a valid header.
function isLeftover(fd: number, size: number, marks: FileMarks | undefined): boolean {
  if (marks?.indexedTo !== 0 || marks.seenSize !== size) return false;
  const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
  return decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0))).kind === 'header';
}
