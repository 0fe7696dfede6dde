import { UsageError, VtError } from '../../../core/base/errors.ts';
import { ItemError } from '../../../core/base/item-error.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { ExtraneousOptions } from '../../../core/export/extraneous.ts';
import type { DirFilter } from '../../../core/filter/dir-filter.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import type { CommandContext } from '../../command.ts';
import { countText, octetsFields } from '../format.ts';
import { storeFolderTest } from './store-folders.ts';

/** The result of a removal. */
export interface Removal {
  readonly removed: number;
  readonly failures: number;
}

/**
 * Removes names from a local directory that the stored Dir lacks; under `-n` only lists them. All Dirs are read before anything is removed,
 * and at a terminal the user is asked.
 *
 * @param target - absolute path of the directory
 * @throws {VtError} EFAILED if the answer is no; the error of the Store if a Dir cannot be read
 */
export async function removeExtraneous(
  context: CommandContext,
  source: Store,
  dirent: Dirent,
  target: Octets,
  filter: DirFilter | undefined,
): Promise<Removal> {
  const { diagnostics, output, plan, session, shell, signal } = context;
  const { extraneousNames } = await import('../../../core/export/extraneous.ts');
  if (dirent.kind !== 'dir')
    throw new UsageError(`get --delete "${octetsToText(dirent.name)}": it is not a Dir`, { remedy: 'leave out --delete' });
  const isStoreFolder = storeFolderTest(capability(session.store, 'folders') ?? []);
  const go = async (options: Omit<ExtraneousOptions, 'signal' | 'filter' | 'isStoreFolder'>): Promise<number> =>
    await extraneousNames(source, dirent, target, { ...options, signal, filter, isStoreFolder });
  const onWarning = (path: Octets, what: string): void => diagnostics.warn(`get --delete "${octetsToText(path)}": ${what}`);
  if (plan) {
    const onName = (local: Octets, isDir: boolean): void => {
      const type = isDir ? 'dir' : 'file';
      output.record({ plan: 'get', action: 'remove', type, ...octetsFields('local', local) });
      output.line(`would remove ${type} ${output.name(local)}`);
    };
    return { removed: await go({ remove: false, onName, onWarning }), failures: 0 };
  }
  const found = await go({ remove: false });
  const question = `Remove ${countText(found, 'local name')} below ${octetsToText(target)} that the Dir does not have?`;
  if (found > 0 && shell.interactive && !(await shell.confirm(question)))
    throw new VtError('EFAILED', `get --delete "${octetsToText(target)}": not confirmed, nothing was changed`);
  let failures = 0;
  const onFailure = (local: Octets, error: unknown): void => {
    failures++;
    diagnostics.failure(new ItemError('get --delete', local, error));
  };
  const removed = await go({ remove: true, onWarning, onFailure });
  if (removed > 0) output.line(`removed ${countText(removed, 'local name')} below ${output.name(target)}`);
  return { removed, failures };
}
