import type { ArchiveEntry } from '../archive/archive.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { changesOf } from '../tree/diff/changes.ts';
import type { NodeDirent } from '../tree/diff/diff.ts';
import type { TreePath } from '../tree/path.ts';
import { isWithin } from '../tree/path.ts';
import { StoredPaths } from '../tree/stored-paths.ts';
import { type RootEntry, RootsAhead } from './roots-ahead.ts';

/** A version of a path: one recorded root, or several in a row in which the path is the same. */
export interface PathState {
  /** The oldest of these roots: the one that introduced this version. */
  readonly archived: ArchiveEntry;
  /** The number of later roots with the same version. */
  readonly same: number;
  /** The path at that time. */
  readonly path: TreePath;
  /** The node; undefined if the path does not exist in that root. */
  readonly dirent: NodeDirent | undefined;
  /** Bytes of content; for a symlink the length of its target, for a Dir 0. */
  readonly size: number;
}

export interface PathHistoryOptions extends OpOptions {
  /** Continue under the old name when the path was renamed, as shown by equal Blocks; default true. */
  readonly follow?: boolean;
}

/**
 * The versions of a path in recorded roots, newest first. If the path begins in a root in which another name with equal Blocks ends, the
 * history continues under that name. An error in reading a root is thrown when its turn comes.
 *
 * @param entries - newest first
 */
export async function* pathHistory(
  source: BlockSource,
  entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>,
  path: TreePath,
  options: PathHistoryOptions = {},
): AsyncGenerator<PathState, void, undefined> {
  const paths = new StoredPaths(source);
  let at = path;
  let newer: PathState | undefined;
  let newerText: string | undefined;
  let newerRoot: DirDirent | undefined;
  await using ahead = new RootsAhead(dirsOf(entries), async (root) => await paths.lookup(root, at, options));
  for (let next = await ahead.next(); next !== undefined; next = await ahead.next()) {
    const { archived } = next;
    const root = archived.dirent;
    let dirent = await next.node;
    if (dirent === undefined && newer?.dirent !== undefined && newerRoot !== undefined && options.follow !== false) {
      const from = await oldName(source, root, newerRoot, at, options);
      if (from !== undefined) {
        at = from;
        ahead.lookUpAnew();
        dirent = await paths.lookup(root, from, options);
      }
    }
    const text = dirent && formatDirent(dirent);
    const isSame = newer !== undefined && text === newerText && newer.path === at;
    if (newer !== undefined && !isSame) yield newer;
    newer = { archived, same: isSame ? (newer?.same ?? 0) + 1 : 0, path: at, dirent, size: sizeOf(dirent) };
    newerText = text;
    newerRoot = root;
  }
  // Absence before the first version is no version.
  if (newer?.dirent !== undefined) yield newer;
}

async function* dirsOf(entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>): AsyncGenerator<RootEntry, void, undefined> {
  for await (const entry of entries) if (entry.dirent.kind === 'dir') yield { ...entry, dirent: entry.dirent };
}

function sizeOf(dirent: NodeDirent | undefined): number {
  if (dirent?.kind === 'file') return dirent.block.span;
  return dirent?.kind === 'symlink' ? dirent.target.length : 0;
}

/** The name that a path of one root had in the root before; undefined if it was not renamed. */
async function oldName(
  source: BlockSource,
  before: DirDirent,
  after: DirDirent,
  path: TreePath,
  { signal }: OpOptions,
): Promise<TreePath | undefined> {
  for await (const change of changesOf({ top: before, source }, { top: after, source }, { signal })) {
    if (change.kind === 'renamed' && isWithin(change.path, path)) return `${change.from}${path.slice(change.path.length)}` as TreePath;
  }
  return undefined;
}
