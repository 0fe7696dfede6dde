import { ReadOnlyError, VtError } from '../base/errors.ts';
import { Datadir } from '../datadir/datadir-store.ts';
import { PythonDatadir } from '../datadir/python-vt/python-datadir.ts';
import { capability, layerOf } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** The datadir that a Store is or wraps; undefined if it is another kind of Store or not created yet. */
export function datadirOf(store: Store): Datadir | undefined {
  return layerOf(store, Datadir);
}

/**
 * The datadir of a Store, for an action that needs one.
 *
 * @param action - for messages: `gc`
 * @param write - whether the action writes; default false
 * @throws {VtError} EFAILED if it is another kind of Store or not created yet
 * @throws {ReadOnlyError} if `write` is set and the datadir is read-only
 */
export function requireDatadir(store: Store, action: string, write = false): Datadir {
  const datadir = datadirOf(store);
  if (datadir === undefined) {
    if (layerOf(store, PythonDatadir) !== undefined)
      throw new VtError('EFAILED', `${action} "${store.name}": it is a datadir of the Python vt, whose files have no checksums`, {
        remedy: 'pull its trees into a Store of your own with the same hash: pull verifies each Block, and names what is lost',
      });
    if (capability(store, 'making')?.isMade === false)
      throw new VtError('EFAILED', `${action} "${store.name}": it is empty`, { remedy: 'put something into it first' });
    throw new VtError('EFAILED', `${action} "${store.name}": it is not a datadir`, { remedy: 'name a datadir with -S' });
  }
  if (write && !datadir.isWritable) throw new ReadOnlyError(action, datadir.name);
  return datadir;
}
