import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../base/system/system-error.ts';

/** How full the disk of a Store is, and how much of it the Store uses; in bytes. */
export interface DiskUse {
  readonly size: number;
  readonly used: number;
  /** Bytes that this user may still write. */
  readonly free: number;
  readonly store: number;
}

/** The unit of st_blocks in stat(2), in bytes. */
const STAT_BLOCK_SIZE = 512;

/** Measures the disk of a datadir and each file of the datadir. */
export function diskUse(folder: string): DiskUse {
  const { bsize, blocks, bfree, bavail } = statfsSync(folder);
  let taken = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) taken += takenBy(join(folder, name));
  return { size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize, store: taken };
}

/** Bytes on disk of a file; 0 if a gc has just removed it. */
function takenBy(path: string): number {
  try {
    return lstatSync(path).blocks * STAT_BLOCK_SIZE;
  } catch (error) {
    if (error instanceof Error && isSystemError(error) && error.code === 'ENOENT') return 0;
    throw error;
  }
}
