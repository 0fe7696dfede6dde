import type { Archive } from '../archive/archive.ts';
import { VtError } from '../base/errors.ts';
import { canWrite, capability } from './capability.ts';
import type { Store } from './store.ts';

/**
 * The archive of a name in a Store, which may not be there yet; undefined for a Store without a place for archives.
 *
 * @throws {VtError} EOPEN for what is no name of an archive
 */
export function archiveOf(store: Store, name: string): Archive | undefined {
  const archives = capability(store, 'archives');
  if (archives === undefined) return undefined;
  if (name === '' || name.startsWith('.') || name.includes('/') || name.includes('\0')) {
    throw new VtError('EOPEN', `open archive "${name}" of Store "${store.name}": not a name of an archive`);
  }
  return archives.open(name, { readOnly: !canWrite(store) });
}
