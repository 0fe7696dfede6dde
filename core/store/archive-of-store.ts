import type { Archive } from '../archive/archive.ts';
import { VtError } from '../base/errors.ts';
import { canWrite, capability } from './capability.ts';
import type { Store } from './store.ts';

/**
 * Opens an archive of a Store, which need not exist yet; undefined if the Store cannot have archives.
 *
 * @throws {VtError} EOPEN if the name is invalid
 */
export function archiveOf(store: Store, name: string): Archive | undefined {
  const archives = capability(store, 'archives');
  if (archives === undefined) return undefined;
  if (name === '' || name.startsWith('.') || name.includes('/') || name.includes('\0')) {
    throw new VtError('EOPEN', `open archive "${name}" of Store "${store.name}": not a name of an archive`);
  }
  return archives.open(name, { readOnly: !canWrite(store) });
}
