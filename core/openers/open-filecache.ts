import { closeSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VtError } from '../base/errors.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { HashName } from '../block/hash.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { Filecache } from '../datadir/filecache/filecache.ts';
import { FILECACHE_ID } from '../datadir/filecache/filecache-files.ts';
import type { DatafileStart } from '../store/records/datafile.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader } from '../store/records/datafile.ts';
import type { Store } from '../store/store.ts';
import { expandHome } from './home-path.ts';
import { openProxyStore } from './open-proxy.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, numberParameter, storesParameter, textParameter } from './specification.ts';

/** Default size of a cache in bytes. */
const DEFAULT_MAX_BYTES = 10 * 2 ** 30;
/** Default number of files of a cache: an eighth of it is dropped at a time. */
const DEFAULT_FILES = 8;

/**
 * Opens `filecache:PATH,maxsize=SIZE,files=N`. With `backend=STORE` it caches that Store, as in the Python vt: added Blocks go to both, and
 * fetched Blocks are kept.
 *
 * @throws {VtError} EOPEN if the folder cannot be read, or holds a cache of another hash function
 */
export async function openFilecacheStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const [backend] = storesParameter(given, 'backend');
  if (backend !== undefined) {
    const { backend: _backend, ...rest } = given;
    const cache = [{ kind: 'form', type: 'filecache', parameters: rest }] as const;
    const parameters = { save: [backend], read: cache, read2: [backend], copy2: cache };
    return await openProxyStore(parameters, context, { savesWhereItCan: true });
  }
  const folder = resolve(expandHome(textParameter(given, 'path') ?? '', context.homePath));
  const asked = hashParameter(given);
  const found = cacheHash(folder, context.name);
  if (found !== undefined && asked !== undefined && found !== asked) {
    throw new VtError('EOPEN', `open Store "${context.name}": its hash function is ${found}`, { remedy: `leave out hash=${asked}` });
  }
  const files = numberParameter(given, 'files') ?? DEFAULT_FILES;
  const fileSize = numberParameter(given, 'filesize');
  return new Filecache({
    folder,
    name: context.name,
    hashName: found ?? asked ?? context.hashName ?? DEFAULT_HASH_NAME,
    maxBytes: numberParameter(given, 'maxsize') ?? (fileSize === undefined ? DEFAULT_MAX_BYTES : fileSize * files),
    files,
    readOnly: context.readOnly === true,
    ...(context.clock === undefined ? {} : { clock: context.clock }),
  });
}

/** The hash function of the cache files in a folder; undefined if there are none. */
function cacheHash(folder: string, name: string): HashName | undefined {
  try {
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) return undefined;
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.vtd'))) {
      const start = startOf(join(folder, file));
      if (start?.kind === 'header' && start.header.storeId === FILECACHE_ID) return start.header.hashName;
    }
    return undefined;
  } catch (error) {
    throw new VtError('EOPEN', `open Store "${name}": ${errorReason(error)}`, {
      cause: error,
      remedy: 'name a readable folder, or a new one',
    });
  }
}

function startOf(path: string): DatafileStart | undefined {
  let fd: number;
  try {
    fd = openStoreFile(path, 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
    return decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
  } finally {
    closeSync(fd);
  }
}
