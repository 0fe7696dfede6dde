import { closeSync, openSync, readSync } from 'node:fs';
import type { OpOptions } from '../base/op-options.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { ScanDamage } from '../datadir/datafiles/datafile-scan.ts';
import { scanDatafile } from '../datadir/datafiles/datafile-scan.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader } from '../store/records/datafile.ts';
import { readTrailer } from '../store/records/trailer.ts';
import type { Store } from '../store/store.ts';
import { NeededBlocks } from '../sync/needed-blocks.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';

/** The result of checking a one-file Store. */
export interface FileVerdict {
  readonly blocks: number;
  readonly bytes: number;
  readonly damage: readonly ScanDamage[];
  /** Whether its header is valid. `isIndexWhole`: whether index and footer are valid and match the records. */
  readonly isHeaderWhole: boolean;
  readonly isIndexWhole: boolean;
  /** Paths with missing or damaged Blocks. */
  readonly harmed: readonly TreePath[];
}

/**
 * Reads a one-file Store completely: it hashes each Block, compares the index with the records, and checks that every Block of its states
 * exists.
 *
 * @param path - path of the file
 * @param size - its size in bytes
 * @param store - the file, opened as a Store
 * @param states - the roots in it
 */
export async function verifyFile(
  path: string,
  size: number,
  store: Store,
  states: readonly Dirent[],
  options: OpOptions = {},
): Promise<FileVerdict> {
  const hash = hashByName(store.hashName);
  const found = new DigestTable(hash.digestSize);
  const fd = openSync(path, 'r');
  try {
    const readAt = (offset: number, length: number): Buffer => {
      const data = Buffer.alloc(Math.max(0, length));
      return data.subarray(0, readSync(fd, data, 0, data.length, offset));
    };
    const isHeaderWhole = decodeDatafileHeader(readAt(0, DATAFILE_HEADER_SIZE)).kind === 'header';
    const trailer = readTrailer(readAt, size, hash.digestSize);
    let bytes = 0;
    let indexed = 0;
    const { damage } = await scanDatafile(fd, {
      start: isHeaderWhole ? DATAFILE_HEADER_SIZE : 0,
      end: size,
      hash,
      distrust: true,
      ...options,
      onRecord({ digest, offset, size: blockSize }) {
        if (!found.set(digest)) return;
        bytes += blockSize;
        if (trailer?.index.find(digest)?.offset === offset) indexed++;
      },
    });
    const harmed = new Set<TreePath>();
    for (const dirent of states) {
      const needed = new NeededBlocks(store, hash, {
        told: new DigestTable(hash.digestSize),
        leaf: (digest, _, at) => {
          if (!found.has(digest)) harmed.add(at);
        },
        ...options,
      });
      await needed.dirent(dirent, ROOT_PATH);
      for (const fault of needed.faults) harmed.add(fault.path);
    }
    const isIndexWhole = trailer !== undefined && trailer.index.count === found.count && indexed === found.count;
    return { blocks: found.count, bytes, damage, isHeaderWhole, isIndexWhole, harmed: [...harmed] };
  } finally {
    closeSync(fd);
  }
}
