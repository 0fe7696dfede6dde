import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../base/system/system-error.ts';

/** How full the disk of a Store is, and what the Store takes of it; in bytes. */
export interface DiskUse {
  readonly size: number;
  readonly used: number;
  /** What this user may still write. */
  readonly free: number;
  readonly store: number;
}

/** Units in which lstat(2) counts blocks of a file. */
const STAT_BLOCK_SIZE = 512;

/** Looks at the disk of a datadir and at each of its files. */
export function diskUse(folder: string): DiskUse {
  const { bsize, blocks, bfree, bavail } = statfsSync(folder);
  let taken = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) taken += takenBy(join(folder, name));
  return { size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize, store: taken };
}

/** What a file takes; nothing where a gc has removed it meanwhile. */
function takenBy(path: string): number {
  try {
    return lstatSync(path).blocks * STAT_BLOCK_SIZE;
  } catch (error) {
    if (error instanceof Error && isSystemError(error) && error.code === 'ENOENT') return 0;
    throw error;
  }
}
