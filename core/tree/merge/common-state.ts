import { formatBlock } from '../../block/block-text.ts';
import type { DirDirent } from '../../dirent/dirent.ts';

/**
 * The newest state that two lines of states have in common: what both were when they parted.
 *
 * @param ours - states of a Dir, newest first, the present one included
 * @param theirs - states of the other, in any order
 */
export async function commonState(
  ours: AsyncIterable<DirDirent> | Iterable<DirDirent>,
  theirs: AsyncIterable<DirDirent> | Iterable<DirDirent>,
): Promise<DirDirent | undefined> {
  const known = new Set<string>();
  for await (const state of theirs) known.add(keyOf(state));
  for await (const state of ours) if (known.has(keyOf(state))) return state;
  return undefined;
}

/** Dirs of equal entries are the same state, whatever they are called. */
function keyOf({ block, inodes }: DirDirent): string {
  return `${formatBlock(block)} ${inodes === undefined ? '' : formatBlock(inodes)}`;
}
