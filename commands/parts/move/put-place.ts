import { VtError } from '../../../core/base/errors.ts';
import { ItemError } from '../../../core/base/item-error.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { PendingBlocks } from '../../../core/block/block-sink.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import type { Dirent, IndirectDirent } from '../../../core/dirent/dirent.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { countText } from '../format.ts';
import { recordBefore } from '../record-before.ts';
import { tellPlan } from '../tell-plan.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** The effect of binding a Dirent at a path. */
export interface Placed {
  /** The number of removed names. */
  readonly gone: number;
}

/**
 * Binds an imported Dirent in the tree. At a terminal, it asks first if more than half of a Dir's names would be removed.
 *
 * @param options - `merge`: keep names that only the stored Dir has. `force`: let a node that is not a Dir replace a Dir. `planned`:
 *   Blocks of Dirs that are not stored, under `-n`
 * @throws {VtError} EFAILED if the answer is no
 */
export async function placeImported(
  context: CommandContext,
  path: TreePath,
  dirent: NodeDirent,
  { merge, force, planned }: { readonly merge: boolean; readonly force: boolean; readonly planned?: PendingBlocks | undefined },
): Promise<Placed> {
  const { session, signal, plan, diagnostics } = context;
  const { tree } = session;
  const notDone = (gone = 0): Placed => {
    context.wouldChange();
    return { gone };
  };
  const before = await tree.lookup(path, { follow: false, signal });
  if (before?.dirent.kind !== 'dir' || dirent.kind !== 'dir') {
    if (plan) return notDone();
    if (before !== undefined) await recordBefore(context, path);
    await tree.bind(path, dirent, { signal });
    return { gone: 0 };
  }
  if (merge) {
    const { bindOver } = await import('../../../core/tree/bind-over.ts');
    const onClash = (at: TreePath): void =>
      diagnostics.failure(new ItemError('put', at, 'it is a Dir with entries, which stay; the local one is not a directory'));
    if (plan) return notDone();
    await recordBefore(context, path);
    await bindOver(tree, path, dirent, { signal, ...(force ? {} : { onClash }) });
    return { gone: 0 };
  }
  // Usually nothing changed: comparing the trees would take as long as walking them did.
  const { encodeDirent } = await import('../../../core/dirent/dirent-codec.ts');
  if (before.isStale !== true && Buffer.compare(encodeDirent(before.dirent), encodeDirent(dirent)) === 0) return { gone: 0 };
  await recordBefore(context, path);
  const stood = await tree.dirent(path, { signal });
  const gone = await countGone(planned === undefined ? session.store : sourceOver(planned, session.store), stood, dirent, signal);
  if (plan) return notDone(gone);
  if (gone > 0 && !(await isMeant(context, path, stood, gone)))
    throw new VtError('EFAILED', `put "${octetsToText(path)}": not confirmed, nothing was changed`);
  await tree.bind(path, dirent, { signal });
  return { gone };
}

/** Reports removed names on a line of its own, with the ways to keep them or to get them back. */
export function reportGone({ output, session, plan }: CommandContext, path: TreePath, { gone }: Placed): void {
  if (gone === 0) return;
  if (plan) {
    tellPlan(output, `remove ${countText(gone, 'name')} from ${output.name(path)} (put --merge keeps them)`);
    return;
  }
  const ways = [...(session.archive === undefined ? [] : ['undo brings them back']), 'put --merge keeps them'];
  output.line(`removed ${countText(gone, 'name')} from ${output.name(path)} (${ways.join('; ')})`);
}

/** A source that tries pending Blocks before a Store. */
function sourceOver(pending: PendingBlocks, store: BlockSource): BlockSource {
  return { name: store.name, get: async (hashcode, options) => pending.peek(hashcode) ?? (await store.get(hashcode, options)) };
}

async function countGone(source: BlockSource, before: NodeDirent, after: NodeDirent, signal: AbortSignal): Promise<number> {
  const { diffDirents } = await import('../../../core/tree/diff/diff.ts');
  let gone = 0;
  let removed: TreePath | undefined;
  for await (const item of diffDirents(source, before, after, { signal })) {
    if (item.kind === 'removed') {
      gone++;
      removed = item.path;
    } else if (item.kind === 'added' && item.path === removed) gone--; // it became another kind
  }
  return gone;
}

/** Asks at a terminal if more than half of the names of a Dir would be removed. */
async function isMeant({ session, shell, signal }: CommandContext, path: TreePath, before: NodeDirent, gone: number): Promise<boolean> {
  if (!shell.interactive) return true;
  const { diffDirents } = await import('../../../core/tree/diff/diff.ts');
  let names = -1; // the Dir itself
  for await (const _ of diffDirents(session.store, before, undefined, { signal })) if (++names >= 2 * gone) return true;
  return await shell.confirm(`Remove ${countText(gone, 'name')} of ${countText(names, 'name')} from ${octetsToText(path)}?`);
}
