import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { VtError } from '../base/errors.ts';
import { octetsFromText } from '../base/octets.ts';
import { requireHomeFolder } from '../base/system/home-folder.ts';
import { errorReason } from '../base/system/system-error.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { openDatadir } from '../datadir/datadir.ts';
import { PlatonicStore } from '../platonic/platonic.ts';
import type { Store } from '../store/store.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, textParameter } from './specification.ts';

/**
 * Opens `platonic:DIR`. New files are read first. The index is in `index=PATH`, or else in the cache folder.
 *
 * @throws {VtError} EOPEN if the folder cannot be read, contains its own index, or the index has another hash function
 */
export async function openPlatonicStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const folder = realFolder(resolve(expandHome(textParameter(given, 'path') ?? '', context.homePath)), context.name);
  const asked = textParameter(given, 'index');
  const hashName = hashParameter(given) ?? context.hashName ?? DEFAULT_HASH_NAME;
  const identity = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const index =
    asked === undefined
      ? join(context.cachePath ?? requireHomeFolder(undefined, 'the cache'), 'platonic', `${identity}-${hashName}`)
      : resolve(expandHome(asked, context.homePath));
  if (!relative(folder, index).startsWith('..')) {
    throw new VtError('EOPEN', `open Store "${context.name}": its index would be in the folder itself, at "${index}"`, {
      remedy: 'name a place outside with index=PATH',
    });
  }
  const onNotice = context.onNotice ?? (() => undefined);
  const clock = context.clock ?? (() => new Date());
  const meta = await openDatadir(index, { create: true, hashName, onNotice, clock });
  if (meta.hashName !== hashName) {
    await meta[Symbol.asyncDispose]();
    throw new VtError('EOPEN', `open Store "${context.name}": the hash function of its index is ${meta.hashName}`, {
      remedy: `leave out hash=${hashName}`,
    });
  }
  const store = new PlatonicStore({
    folder: octetsFromText(folder),
    name: context.name,
    meta,
    onNotice,
    clock,
    monotonicMs: () => performance.now(),
  });
  try {
    await store.look();
    if (textParameter(given, 'watch') === 'yes') await store.watch();
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function realFolder(path: string, name: string): string {
  let reason = 'it is not a folder';
  try {
    if (statSync(path).isDirectory()) return realpathSync(path);
  } catch (error) {
    reason = errorReason(error);
  }
  throw new VtError('EOPEN', `open Store "${name}": ${reason}`, { remedy: 'name a folder of ordinary files' });
}
