import { appendAll } from '../../base/lists.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { formatBlock } from '../../block/block-text.ts';
import { leavesOf } from '../../block/tree-walk.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { DiffItem } from '../diff/diff.ts';
import { diffDirents, diffTrees } from '../diff/diff.ts';
import type { LoneName } from '../diff/rename-finder.ts';
import { findRenames } from '../diff/rename-finder.ts';
import type { TreePath } from '../path.ts';
import { isWithin } from '../path.ts';

// Finds the new names of removed names, by their node or their Blocks.

/** A rename between two states of a tree. */
export interface SideRename {
  readonly from: TreePath;
  readonly to: TreePath;
}

/** The minimum share of equal parts for two Dirs, or files of many Blocks, to be matched. */
const MIN_ALIKE = 0.5;
/** Maximum number of pairs that are compared, and of files or leaves of each. */
const MAX_PAIRS = 2500;
const MAX_PARTS = 20_000;

/**
 * Finds the renames between two states of a tree: hard-linked files by their node, other files and Dirs by equal Blocks. A Dir, or a file
 * of several Blocks, that was changed too is recognised if half of it is the same. The contents of a renamed Dir count as renamed with it.
 */
export async function sideRenames(
  source: BlockSource,
  before: DirDirent,
  after: DirDirent,
  options: OpOptions = {},
): Promise<SideRename[]> {
  const gone: LoneName[] = [];
  const fresh: LoneName[] = [];
  for await (const item of diffDirents(source, before, after, { ...options, below: false })) note(item, gone, fresh);
  if (gone.length === 0 || fresh.length === 0) return [];
  const renames = pairEqual(gone, fresh);
  const dirs = [rest(gone.filter(isDir), renames, 'from'), rest(fresh.filter(isDir), renames, 'to')] as const;
  appendAll(renames, await pairAlike(dirs[0], dirs[1], (one) => filesOf(source, one, options)));
  // Files may have been moved out of a removed Dir, or into a new one.
  const files = {
    gone: await leavesBelow(source, rest(gone, renames, 'from'), options),
    fresh: await leavesBelow(source, rest(fresh, renames, 'to'), options),
  };
  appendAll(renames, pairEqual(files.gone, files.fresh));
  const large = (named: readonly LoneName[]): LoneName[] =>
    named.filter(({ dirent }) => dirent.kind === 'file' && dirent.block.kind === 'indirect');
  const lone = [large(rest(files.gone, renames, 'from')), large(rest(files.fresh, renames, 'to'))] as const;
  appendAll(renames, await pairAlike(lone[0], lone[1], (one) => blocksOf(source, one, options)));
  return renames;
}

function note(item: DiffItem, gone: LoneName[], fresh: LoneName[]): void {
  if (item.kind === 'removed') gone.push({ path: item.path, dirent: item.before, tables: item.tables });
  else if (item.kind === 'added') fresh.push({ path: item.path, dirent: item.after, tables: item.tables });
}

function isDir({ dirent }: LoneName): boolean {
  return dirent.kind === 'dir';
}

/** The names without a rename. */
function rest(named: readonly LoneName[], renames: readonly SideRename[], end: 'from' | 'to'): LoneName[] {
  const paired = renames.map((rename) => rename[end]);
  return named.filter(({ path }) => !paired.some((other) => isWithin(other, path)));
}

/** Pairs names with the same hard-linked node or the same Blocks. */
function pairEqual(gone: readonly LoneName[], fresh: readonly LoneName[]): SideRename[] {
  const nodes = new Map(fresh.flatMap(({ path, dirent }) => (dirent.uuid === undefined ? [] : [[dirent.uuid, path] as const])));
  const renames: SideRename[] = [];
  for (const { path: from, dirent } of gone) {
    const to = dirent.uuid === undefined ? undefined : nodes.get(dirent.uuid);
    if (dirent.uuid === undefined || to === undefined) continue;
    nodes.delete(dirent.uuid);
    renames.push({ from, to });
  }
  const equal = findRenames(rest(gone, renames, 'from'), rest(fresh, renames, 'to'));
  return [...renames, ...equal.map(({ from, to }) => ({ from: from.path, to: to.path }))];
}

/** Pairs names with equal parts, the most similar first. */
async function pairAlike(
  gone: readonly LoneName[],
  fresh: readonly LoneName[],
  partsOf: (named: LoneName) => Promise<ReadonlySet<string>>,
): Promise<SideRename[]> {
  if (gone.length * fresh.length === 0 || gone.length * fresh.length > MAX_PAIRS) return [];
  const [before, after] = await Promise.all([gone, fresh].map(async (side) => await Promise.all(side.map(partsOf))));
  const pairs: { readonly from: TreePath; readonly to: TreePath; readonly alike: number }[] = [];
  for (const [i, one] of (before ?? []).entries())
    for (const [j, other] of (after ?? []).entries()) {
      const shared = [...one].filter((part) => other.has(part)).length;
      const alike = shared / Math.max(one.size, other.size, 1);
      const [from, to] = [gone[i]?.path, fresh[j]?.path];
      if (alike >= MIN_ALIKE && from !== undefined && to !== undefined) pairs.push({ from, to, alike });
    }
  const renames: SideRename[] = [];
  for (const { from, to } of pairs.sort((a, b) => b.alike - a.alike))
    if (!renames.some((rename) => rename.from === from || rename.to === to)) renames.push({ from, to });
  return renames;
}

/** Lists files and other leaves, including those in Dirs. */
async function leavesBelow(source: BlockSource, named: readonly LoneName[], options: OpOptions): Promise<LoneName[]> {
  const leaves: LoneName[] = [];
  for (const { path, dirent, tables = [] } of named) {
    if (dirent.kind !== 'dir') leaves.push({ path, dirent });
    else
      for await (const item of diffTrees({ top: undefined, source }, { top: dirent, tables, source }, { ...options, path })) {
        if (item.kind === 'added' && item.after.kind !== 'dir') leaves.push({ path: item.path, dirent: item.after });
        if (leaves.length >= MAX_PARTS) return leaves;
      }
  }
  return leaves;
}

async function filesOf(source: BlockSource, dir: LoneName, options: OpOptions): Promise<Set<string>> {
  const parts = new Set<string>();
  for (const { dirent } of await leavesBelow(source, [dir], options))
    if (dirent.uuid !== undefined) parts.add(dirent.uuid);
    else if (dirent.kind === 'file' && dirent.block.span > 0) parts.add(formatBlock(dirent.block));
  return parts;
}

async function blocksOf(source: BlockSource, { dirent }: LoneName, options: OpOptions): Promise<Set<string>> {
  const parts = new Set<string>();
  if (dirent.kind !== 'file') return parts;
  for await (const { block } of leavesOf(source, dirent.block, options)) {
    parts.add(formatBlock(block));
    if (parts.size >= MAX_PARTS) break;
  }
  return parts;
}
