import { fstatSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { cName } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import { readFully } from '../base/system/read-fully.ts';
import { closeQuietly } from '../blockify/ingest/file-slices.ts';
import type { LocalDir } from './local-dir.ts';

/** The file that marks a directory as a cache. @see https://bford.info/cachedir/ */
export const CACHE_TAG = 'CACHEDIR.TAG' as Octets;

/** The start of that file. */
const SIGNATURE = Buffer.from('Signature: 8a477f597d28d172789f06886806bc55');

/**
 * Whether an open directory is marked as a cache: it contains a regular file {@link CACHE_TAG} with the signature.
 *
 * @param names - all names in the directory
 */
export function isCacheFolder(dir: LocalDir, names: readonly string[]): boolean {
  if (!names.includes(CACHE_TAG)) return false;
  try {
    const fd = atCalls().open(dir.fd, cName(CACHE_TAG), 'content');
    try {
      const start = Buffer.alloc(SIGNATURE.length);
      return fstatSync(fd).isFile() && readFully(fd, start, 0) === start.length && start.equals(SIGNATURE);
    } finally {
      closeQuietly(fd);
    }
  } catch {
    // It is a symlink, or cannot be read. The import stores or reports it as usual.
    return false;
  }
}
