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

/** A version of a path: one recorded root that has it, or several one after the other that have it the same. */
export interface PathState {
  /** The oldest of these roots: when it became so. */
  readonly archived: ArchiveEntry;
  /** Later ones that have it the same. */
  readonly same: number;
  /** What it was called then. */
  readonly path: TreePath;
  /** Undefined where the path does not exist in that root. */
  readonly dirent: NodeDirent | undefined;
  /** Bytes of content; of a symlink the target's, of a Dir 0. */
  readonly size: number;
}

export interface PathHistoryOptions extends OpOptions {
  /** Continue with the old name of what was renamed, as equal Blocks show it; default true. */
  readonly follow?: boolean;
}

/**
 * The versions of a path in recorded roots, newest first. Where the path begins and another name of equal Blocks ends, that
 * name is gone on with. Whatever keeps a root from being read is thrown when its turn comes.
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
  // A path that was not there at first is no state.
  if (newer?.dirent !== undefined) yield newer;
}

async function* dirsOf(entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>): AsyncGenerator<RootEntry, void, undefined> {
  for await (const entry of entries) if (entry.dirent.kind === 'dir') yield { ...entry, dirent: entry.dirent };
}

function sizeOf(dirent: NodeDirent | undefined): number {
  if (dirent?.kind === 'file') return dirent.block.span;
  return dirent?.kind === 'symlink' ? dirent.target.length : 0;
}

/** What a path of one root was called in the root before. */
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
