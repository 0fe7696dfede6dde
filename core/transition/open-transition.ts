import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { copyNames } from '../datadir/names/store-names.ts';
import { datadirOf } from '../maintain/datadir-of.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { NameMap } from './name-map.ts';

/** A map of names, and the datadir that keeps it. */
export interface OpenedMap {
  readonly map: NameMap;
  /** The datadir that keeps it; undefined if it is only in memory. */
  readonly keptIn: string | undefined;
}

/**
 * Opens the map of names between two Stores. It is kept in the target if possible, else in the source. Existing maps of the source are
 * included.
 *
 * @throws {VtError} EFAILED if the Stores have the same hash function, ELOCKED if another transition is running
 */
export async function openMap(source: Store, target: Store, options: OpOptions = {}): Promise<OpenedMap> {
  if (source.hashName === target.hashName)
    throw new VtError('EFAILED', `transition: "${target.name}" has the hash function of "${source.name}": ${source.hashName}`, {
      remedy: 'push and pull copy between Stores of one hash function',
    });
  await capability(target, 'making')?.make();
  const [from, to] = [namesIn(source), namesIn(target)];
  const place = [to, from].find((datadir) => datadir?.isWritable === true);
  if (from !== undefined && to?.isWritable === true) copyNames(from.path, to.path, to.access);
  return { map: await NameMap.open(target, source.hashName, place, options), keptIn: place?.path };
}

/** The datadir that may keep the map. A sealed Store's may not, since the map would reveal digests of contents. */
function namesIn(store: Store): Datadir | undefined {
  const datadir = datadirOf(store);
  return datadir?.hashName === store.hashName ? datadir : undefined;
}
