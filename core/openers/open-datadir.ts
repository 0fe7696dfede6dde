import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { VtError } from '../base/errors.ts';
import { requireHomeFolder } from '../base/system/home-folder.ts';
import { accessFor, DEFAULT_SHARED, SHARED_VALUES } from '../base/system/store-files.ts';
import { errorReason } from '../base/system/system-error.ts';
import { readEdgeSizes } from '../block/edges-text.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { AbsentStore } from '../datadir/absent-store.ts';
import type { OpenDatadirOptions } from '../datadir/datadir.ts';
import { openDatadir } from '../datadir/datadir.ts';
import { COMPRESSIONS, edgesFor } from '../datadir/datadir-format.ts';
import { isDatadir, isPythonDatadir } from '../datadir/datadir-recovery.ts';
import { PythonDatadir } from '../datadir/python-vt/python-datadir.ts';
import { readDurability } from '../store/durability.ts';
import type { Store } from '../store/store.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, textParameter } from './specification.ts';

/**
 * Opens `datadir:PATH`, one of this program or of the Python vt.
 *
 * @throws {VtError} EOPEN if there is none and none may be created, or if its hash function is not the requested one
 */
export async function openDatadirStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const path = expandHome(textParameter(given, 'path') ?? '', context.homePath);
  const folder = resolve(path);
  const asked = hashParameter(given);
  const { cachePath, onNotice, readOnly, clock } = context;
  const options = {
    ...(clock === undefined ? {} : { clock }),
    ...(onNotice === undefined ? {} : { onNotice }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...durabilityOption(given),
    ...sharedOption(given),
    isTrusted: textParameter(given, 'trust') === 'yes',
  };
  if (isPythonDatadir(folder))
    return new PythonDatadir(folder, {
      cachePath: cachePath ?? requireHomeFolder(undefined, 'the cache'),
      onNotice,
      hashName: asked ?? context.assumedHash,
    });
  const hashName = asked ?? context.hashName ?? DEFAULT_HASH_NAME;
  const compression = compressionOption(given);
  const usual = edgesFor(compression.compression);
  const sizes = readEdgeSizes(textParameter(given, 'edges') ?? '');
  const edges = sizes === undefined ? (context.edges ?? usual) : { kernel: usual.kernel, ...sizes };
  const made = { ...options, ...compression, edges, hashName, create: true };
  const make = async (): Promise<Store> => await openDatadir(folder, made);
  const access = accessFor(sharedOption(given).shared ?? DEFAULT_SHARED);
  if (!isDatadir(folder)) {
    if (context.create === undefined || context.create === false || readOnly === true) throw noStore(context.name, folder);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) throw noStore(context.name, folder);
    return context.create === true
      ? await make()
      : new AbsentStore(folder, hashName, edges, { make, access }, compression.compression === 'zlib' ? 'zlib' : 'none');
  }
  const store = await openDatadir(folder, options);
  if (asked === undefined || store.hashName === asked) return store;
  await store[Symbol.asyncDispose]();
  throw new VtError('EOPEN', `open Store "${context.name}": its hash function is ${store.hashName}`, {
    remedy: `leave out hash=${asked}`,
  });
}

/** Holds for this session; a new Store also records it. */
function durabilityOption(given: StoreParameters): Pick<OpenDatadirOptions, 'durability'> {
  const durability = readDurability(textParameter(given, 'durability'));
  return durability === undefined ? {} : { durability: () => durability };
}

/** Recorded in a new Store. */
function sharedOption(given: StoreParameters): Pick<OpenDatadirOptions, 'shared'> {
  const shared = SHARED_VALUES.find((known) => known === textParameter(given, 'shared'));
  return shared === undefined ? {} : { shared };
}

/** Holds for a new Store; an existing one keeps its own. */
function compressionOption(given: StoreParameters): Pick<OpenDatadirOptions, 'compression' | 'level'> {
  const compression = COMPRESSIONS.find((known) => known === textParameter(given, 'compression'));
  const level = textParameter(given, 'level');
  return { ...(compression === undefined ? {} : { compression }), ...(level === undefined ? {} : { level: Number(level) }) };
}

function noStore(name: string, folder: string): VtError {
  const remedy = 'name the folder of a Store; the first put makes a new one';
  try {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found?.isFile() === true)
      return new VtError('EOPEN', `open Store "${name}": it is a file`, {
        remedy: 'name the folder of a Store; a file that ar wrote opens without -S',
      });
    const state =
      found === undefined ? 'there is no such folder' : found.isDirectory() ? 'the folder holds no Store' : 'it is not a folder';
    return new VtError('EOPEN', `open Store "${name}": ${state}`, { remedy });
  } catch (error) {
    return new VtError('EOPEN', `open Store "${name}": ${errorReason(error)}`, { remedy, cause: error });
  }
}
