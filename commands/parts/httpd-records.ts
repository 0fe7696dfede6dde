import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../../core/base/system/is-alive.ts';
import { readStateFile } from '../../core/base/system/read-state-file.ts';
import { capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { Environment } from './runtime-folder.ts';
import { runtimeFolder } from './runtime-folder.ts';

/** The record of a process that serves a Store over HTTP. */
interface HttpdRecord {
  readonly pid: number;
  readonly url: string;
  /** A local folder of the Store. */
  readonly folder: string;
}

/** Writes the record of this process; disposal removes it. Stores without a local folder have no record. */
export function recordHttpd(env: Environment, store: Store, url: string): Disposable {
  const [folder] = capability(store, 'folders') ?? [];
  if (folder === undefined) return { [Symbol.dispose]: () => undefined };
  const record: HttpdRecord = { pid: process.pid, url, folder };
  const file = join(runtimeFolder(env, 'httpd'), `${process.pid}-${new URL(url).port}.json`);
  writeFileSync(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

/** The URL at which a process of this user serves a Store; undefined if there is none. */
export function httpdUrl(env: Environment, store: Store): string | undefined {
  const folders = capability(store, 'folders') ?? [];
  const records = runtimeFolder(env, 'httpd');
  for (const name of readdirSync(records)) {
    if (!name.endsWith('.json')) continue;
    const file = join(records, name);
    try {
      const { pid, url, folder } = JSON.parse(readStateFile(file).toString()) as HttpdRecord;
      if (!isAlive(pid)) rmSync(file, { force: true });
      else if (folders.includes(folder)) return url;
    } catch {
      // It is being written, or was just removed.
    }
  }
  return undefined;
}
