import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import type { OpenDatadirOptions } from '../../../core/datadir/datadir.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';

let folders: string[] = [];

afterEach(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders = [];
});

/** Where a test that opens hundreds of Stores does not wait for a disk each time, on systems that have it. */
const MEMORY_FOLDER = '/dev/shm';

/** A path for a Store, in a folder that goes away after the test. */
export function newStorePath(options: { readonly inMemory?: boolean } = {}): string {
  const parent = options.inMemory === true && existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir();
  const folder = mkdtempSync(join(parent, 'vtftp-store-'));
  folders.push(folder);
  return join(folder, 'store');
}

/** Opens a datadir (making it where it is not there), and closes it after `action`. */
export async function withDatadir<T>(path: string, action: (store: Datadir) => Promise<T>, options: OpenDatadirOptions = {}): Promise<T> {
  const store = await openDatadir(path, { create: true, ...options });
  try {
    return await action(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
