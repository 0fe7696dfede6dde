import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { formatBlock } from '../../block/block-text.ts';
import type { DirDirent, FileDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import { diffDirents } from '../diff/diff.ts';
import { openLiveTree } from '../live/live-tree.ts';
import { entryByNames } from '../lookup-below.ts';
import type { TreePath } from '../path.ts';
import { baseName, isWithin, joinPath, parentPath, ROOT_PATH } from '../path.ts';
import type { Tree } from '../tree.ts';
import { walkDirent } from '../walk.ts';
import type { MergeConflict, MergeOptions, MergeResult } from './merge-result.ts';
import { theirsName } from './merge-values.ts';
import { sideRenames } from './side-renames.ts';

/** Three states of a tree, as they were given to a merge. */
export interface MergedStates {
  readonly base: DirDirent;
  readonly ours: DirDirent;
  readonly theirs: DirDirent;
}

type Side = 'ours' | 'theirs';

/** A file whose content a side wrote, and all paths that have this content. */
interface WrittenFile {
  readonly paths: [TreePath, ...TreePath[]];
  readonly file: FileDirent;
}

/**
 * Keeps what a merge would lose. Each content that a side wrote must be in the result, unless a conflict gave its name to the other side. One
 * that is missing is put beside its name, and is reported as a conflict.
 *
 * The rules of a merge tell the nodes of hard links apart by their uuids, which a copy by reference shares with its original. No rule tells
 * them apart in every case, so the promise is checked here, whatever the rules did.
 *
 * @param merged - the result; nothing is changed where it has all contents
 * @returns the result, with all contents
 */
export async function withWrittenContents(
  store: Store,
  states: MergedStates,
  merged: MergeResult,
  options: MergeOptions,
): Promise<MergeResult> {
  const plain = { signal: options.signal };
  const found = await writtenFiles(store, states.base, merged.dirent, plain);
  let kept = merged;
  for (const side of ['ours', 'theirs'] as const) {
    const written = await writtenFiles(store, states.base, states[side], plain);
    for (const content of found.keys()) written.delete(content);
    if (written.size > 0) await dropContentsOf(store, states.base, written, plain);
    if (written.size === 0) continue;
    const lost = await notGivenUp(store, states, [...written.values()], side, merged.conflicts, plain);
    if (lost.length > 0) kept = await keepFiles(store, kept, lost, side, options);
  }
  return kept;
}

/** The files of a state whose contents the base has nowhere among what differs, by their contents. */
async function writtenFiles(store: Store, base: DirDirent, state: DirDirent, options: OpOptions): Promise<Map<string, WrittenFile>> {
  const written = new Map<string, WrittenFile>();
  const before = new Set<string>();
  for await (const item of diffDirents(store, base, state, options)) {
    if (item.kind !== 'added' && item.before.kind === 'file') before.add(formatBlock(item.before.block));
    if (item.kind === 'removed' || item.after.kind !== 'file' || item.after.block.span === 0) continue;
    const content = formatBlock(item.after.block);
    const known = written.get(content);
    if (known === undefined) written.set(content, { paths: [item.path], file: item.after });
    else known.paths.push(item.path);
  }
  for (const content of before) written.delete(content);
  return written;
}

/** Drops the contents that a tree has anywhere: a side that linked or copied them has not written them. */
async function dropContentsOf(store: Store, tree: DirDirent, written: Map<string, WrittenFile>, options: OpOptions): Promise<void> {
  for await (const item of walkDirent(store, tree, options))
    if (item.kind === 'node' && item.dirent.kind === 'file') written.delete(formatBlock(item.dirent.block));
}

/** Those files whose names no conflict gave to the other side. */
async function notGivenUp(
  store: Store,
  { base, ours, theirs }: MergedStates,
  files: readonly WrittenFile[],
  side: Side,
  conflicts: readonly MergeConflict[],
  options: OpOptions,
): Promise<readonly WrittenFile[]> {
  const given = conflicts.filter(({ took }) => took !== undefined && took !== side);
  if (given.length === 0) return files;
  const renames = [...(await sideRenames(store, base, ours, options)), ...(await sideRenames(store, base, theirs, options))];
  return files.filter(({ paths }) => {
    const names = paths.flatMap((path) => [path, ...renames.flatMap(({ from, to }) => (isWithin(from, path) ? [to] : []))]);
    return !given.some(({ path: at, theirsAt }) =>
      names.some((name) => isWithin(at, name) || isWithin(name, at) || (theirsAt !== undefined && isWithin(theirsAt, name))),
    );
  });
}

async function keepFiles(
  store: Store,
  merged: MergeResult,
  files: readonly WrittenFile[],
  side: Side,
  options: MergeOptions,
): Promise<MergeResult> {
  const plain = { signal: options.signal };
  await using tree = openLiveTree(store, merged.dirent);
  const conflicts: MergeConflict[] = [];
  for (const { paths, file } of files) {
    const [path] = paths;
    const { uuid: _uuid, nlink: _nlink, ...single } = file;
    const dir = await dirFor(tree, path, plain);
    const names = new Set<Octets>();
    for await (const { name } of tree.list(dir, plain)) names.add(name);
    const name = theirsName(baseName(path), options.now, (candidate) => names.has(candidate));
    const mtimeNs = (await entryByNames(tree, dir, plain))?.dirent.meta.mtimeNs;
    await tree.bind(joinPath(dir, name), { ...single, name }, plain);
    await tree.setMeta(dir, { mtimeNs: mtimeNs ?? null }, { follow: false, ...plain });
    conflicts.push({ path, kind: side === 'ours' ? 'removed-by-them' : 'removed-by-us', theirsAt: joinPath(dir, name) });
  }
  const dirent = await tree.sync(plain);
  if (dirent.kind !== 'dir') throw new TypeError(`merge: the result is a ${dirent.kind}`);
  return { ...merged, dirent, conflicts: [...merged.conflicts, ...conflicts] };
}

/** The Dir of a path, or the nearest above it that the tree has. */
async function dirFor(tree: Tree, path: TreePath, options: OpOptions): Promise<TreePath> {
  for (let dir = parentPath(path); ; dir = parentPath(dir))
    if (dir === ROOT_PATH || (await entryByNames(tree, dir, options))?.dirent.kind === 'dir') return dir;
}
