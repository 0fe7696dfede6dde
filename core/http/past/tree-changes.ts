import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { changedBytes } from '../../tree/diff/changed-ranges.ts';
import type { DiffItem, NodeDirent } from '../../tree/diff/diff.ts';
import { diffTrees } from '../../tree/diff/diff.ts';
import type { TreePath } from '../../tree/path.ts';
import { joinPath } from '../../tree/path.ts';
import type { Tree } from '../../tree/tree.ts';

/** Differences that are counted, at most: two trees may have nothing in common. */
const MAX_CHANGES = 200_000;
/** Milliseconds of a comparison between turns for others. */
const TURN_MS = 5;

/** The differences at one name of a Dir and below it. */
export interface ChangedName {
  readonly name: Octets;
  readonly before: NodeDirent | undefined;
  readonly after: NodeDirent | undefined;
  /** New names, including itself and those below; `removed` and `changed` likewise. */
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Bytes of content that only the later tree has; `goneBytes`: only the earlier one. */
  readonly newBytes: number;
  readonly goneBytes: number;
}

/** The differences of a Dir in two trees. */
export interface TreeChanges {
  /** The Dir itself. */
  readonly before: NodeDirent | undefined;
  readonly after: NodeDirent | undefined;
  readonly names: readonly ChangedName[];
  /** Whether all differences were counted. */
  readonly isWhole: boolean;
}

/** Finds the differences of a Dir in two trees, by its names. Blocks that both have are not read. */
export async function treeChanges(earlier: Tree, later: Tree, path: TreePath, signal: AbortSignal): Promise<TreeChanges> {
  const options = { signal };
  const [before, after] = [await direntAt(earlier, path, options), await direntAt(later, path, options)];
  const counts = new Map<Octets, Tally>();
  const turns = new EventTurns(TURN_MS);
  let seen = 0;
  for await (const item of diffTrees({ top: before, source: earlier.store }, { top: after, source: later.store }, options)) {
    await turns.next(signal);
    const name = item.path.split('/')[1] as Octets;
    if (name === '') continue;
    if (seen++ === MAX_CHANGES) break;
    const tally = counts.get(name) ?? { added: 0, removed: 0, changed: 0, newBytes: 0, goneBytes: 0 };
    counts.set(name, tally);
    await count(tally, item, earlier, later, signal);
  }
  const nameIn = async (tree: Tree, name: Octets): Promise<NodeDirent | undefined> =>
    (await tree.lookup(joinPath(path, name), { ...options, follow: false }))?.dirent;
  const names: ChangedName[] = [];
  for (const [name, tally] of counts) names.push({ name, ...tally, before: await nameIn(earlier, name), after: await nameIn(later, name) });
  return { before, after, names, isWhole: seen <= MAX_CHANGES };
}

type Tally = { -readonly [Key in 'added' | 'removed' | 'changed' | 'newBytes' | 'goneBytes']: number };

async function count(tally: Tally, item: DiffItem, earlier: Tree, later: Tree, signal: AbortSignal): Promise<void> {
  tally[item.kind]++;
  if (item.kind === 'added') tally.newBytes += sizeOf(item.after);
  else if (item.kind === 'removed') tally.goneBytes += sizeOf(item.before);
  else if (item.content && item.before.kind === 'file' && item.after.kind === 'file') {
    const { path, before, after } = item;
    const bytes = await changedBytes(
      { side: { top: before, source: earlier.store }, path, file: before },
      { side: { top: after, source: later.store }, path, file: after },
      { signal },
    );
    tally.newBytes += bytes.added;
    tally.goneBytes += bytes.removed;
  }
}

function sizeOf(dirent: NodeDirent): number {
  return dirent.kind === 'file' ? Math.max(0, dirent.block.span) : 0;
}

async function direntAt(tree: Tree, path: TreePath, options: OpOptions): Promise<NodeDirent | undefined> {
  return (await tree.lookup(path, options)) === undefined ? undefined : await tree.dirent(path, options);
}
