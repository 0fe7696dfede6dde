import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import { linesOf, linesUpTo } from '../../../core/archive/lines-up-to.ts';
import { UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../../core/dirent/dirent.ts';
import { skipReference, URI_SCHEME } from '../../../core/dirent/reference-skip.ts';
import { isReadable } from '../../../core/maintain/is-readable.ts';
import type { Store } from '../../../core/store/store.ts';
import { joinPath, ROOT_PATH } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { countText, sizeText } from '../format.ts';
import { localSession } from '../local-session.ts';

// Other trees, for join and merge.

/** Another tree, with all its Blocks in the Store of the session. */
export interface OtherTree {
  readonly dirent: Exclude<Dirent, IndirectDirent>;
  /** The states that it comes after, oldest first; `isRecorded` if it is the last of them. Empty without an archive. */
  readonly lines: readonly ArchiveLine[];
  readonly isRecorded: boolean;
  /** Copies the Blocks of another state of it. @returns whether all of them are here then */
  readonly bring: (state: DirDirent) => Promise<boolean>;
}

/**
 * Calls `use` with the tree that a source names, after copying its missing Blocks to the Store of the session.
 *
 * @throws {VtError} EMISSING if some Blocks are not available
 * @throws {UsageError} for an ordinary directory
 */
export async function withOtherTree<T>(
  context: TreeContext,
  action: string,
  source: Octets,
  use: (other: OtherTree) => Promise<T>,
): Promise<T> {
  const { session, diagnostics, signal } = context;
  if (source.startsWith(URI_SCHEME) || skipReference(source, 0) === source.length) {
    const [{ parseTypedReference }, { direntOfReference }, { otherNameText }] = await Promise.all([
      import('../../../core/dirent/reference.ts'),
      import('../../../core/tree/reference-dirent.ts'),
      import('../../../core/tree/other-names.ts'),
    ]);
    const { store } = session.tree;
    const dirent = await direntOfReference(store, parseTypedReference(octetsToText(source)), {
      onOtherName: (known) => diagnostics.warn(otherNameText(known)),
      signal,
    });
    await copyMissing(context, action, store, store, dirent);
    return await use({ dirent, lines: [], isRecorded: false, bring: async (state) => await isReadable(store, state, { signal }) });
  }
  const other = await localSession(context, `${action} "${octetsToText(source)}"`).openOther(source, signal);
  try {
    if (other.isDirectory) throw new UsageError(`${action} "${octetsToText(source)}": it is an ordinary directory`, { remedy: 'use put' });
    const dirent = await other.tree.dirent(other.start, { signal });
    await copyMissing(context, action, other.store, session.tree.store, dirent);
    const lines = other.archive === undefined || other.start !== ROOT_PATH ? [] : await linesOf(other.archive, { signal });
    const known = linesUpTo(lines, dirent, other.number);
    const bring = async (state: DirDirent): Promise<boolean> => {
      if (await isReadable(session.tree.store, state, { signal })) return true;
      if (!(await isReadable(other.store, state, { signal }))) return false;
      await copyMissing(context, action, other.store, session.tree.store, state);
      return true;
    };
    return await use({ dirent, ...known, bring });
  } finally {
    await other[Symbol.asyncDispose]();
  }
}

async function copyMissing(
  { output, diagnostics, signal, plan }: TreeContext,
  action: string,
  from: Store,
  to: Store,
  dirent: Dirent,
): Promise<void> {
  const { SyncProcess } = await import('../../../core/sync/sync-process.ts');
  const sync = new SyncProcess(from, to, {
    near: 'from',
    plan,
    signal,
    onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
      diagnostics.progress({ label: action, doneBytes: progressDone, totalBytes: progressTotal, doneItems: doneBlocks }),
  });
  const { missingBlocks, missingBytes } = await sync.estimateDirent(dirent);
  const [first] = sync.faults;
  // Within one Store there is no other source for missing Blocks.
  const lacking = from === to ? missingBlocks : sync.faults.length;
  if (lacking > 0 || first !== undefined)
    throw new VtError(
      'EMISSING',
      `${action}: ${first?.error.message ?? `${countText(missingBlocks, 'Block')} of it are not in "${to.name}"`}`,
      {
        remedy: 'pull the tree from a peer that has all of it',
      },
    );
  if (missingBlocks === 0) return;
  if (!plan) await sync.transfer();
  const [fault] = sync.faults;
  if (fault !== undefined)
    throw new VtError(
      'EMISSING',
      `${action}: "${octetsToText(joinPath(ROOT_PATH, fault.path as string as Octets))}": ${fault.error.message}`,
    );
  output.line(`${action}: ${countText(missingBlocks, 'Block')} ${plan ? 'to be copied' : 'copied'} (${sizeText(missingBytes)})`);
}
