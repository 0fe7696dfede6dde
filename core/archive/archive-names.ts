import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/system/system-error.ts';

/** The names of the archives in a datadir, sorted. */
export async function archiveNames(storeFolder: string): Promise<string[]> {
  try {
    const files = await readdir(join(storeFolder, 'archives'));
    return files
      .filter((name) => name.endsWith('.vt') && !name.startsWith('.'))
      .map((name) => name.slice(0, -'.vt'.length))
      .sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
