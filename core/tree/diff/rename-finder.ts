import type { Block } from '../../block/block.ts';
import { blockrefBody } from '../../block/blockref.ts';
import { linksWithin } from '../live/live-node.ts';
import type { TreePath } from '../path.ts';
import { baseName, parentPath, ROOT_PATH } from '../path.ts';
import type { NodeDirent } from './diff.ts';

/** A name that only one of two trees has. */
export interface LoneName {
  readonly path: TreePath;
  readonly dirent: NodeDirent;
  /** Inode tables of the Dirs above. */
  readonly tables?: readonly Block[];
}

/** A removed name, and the new name of the same file or Dir. */
export interface Rename<Name extends LoneName> {
  readonly from: Name;
  readonly to: Name;
}

/**
 * Finds renames among removed and added names: non-empty files and Dirs with equal Blocks. Dirs are matched before files, and outer
 * Dirs before inner ones; the contents of a matched Dir are skipped. Names with the same last element are preferred, then the first
 * in order. Each name is used once.
 *
 * @param gone - removed names by path, Dirs before their contents
 * @param come - added names in the same order
 */
export function findRenames<Name extends LoneName>(gone: readonly Name[], come: readonly Name[]): Rename<Name>[] {
  const found: Rename<Name>[] = [];
  for (const kind of ['dir', 'file'] as const) {
    const left = new Left(gone, kind, found);
    for (const sameName of [true, false]) {
      for (const to of come) {
        if (to.dirent.kind !== kind || left.isCovered(to.path)) continue;
        const from = left.take(to, sameName);
        if (from !== undefined) found.push({ from, to });
      }
    }
  }
  return found;
}

/** Removed names of one kind, by content key. */
class Left<Name extends LoneName> {
  readonly #byKey = new Map<string, Name[]>();
  /** The names of matched files and Dirs, and the Dirs above the removed ones. */
  readonly #from = new Set<TreePath>();
  readonly #to = new Set<TreePath>();
  readonly #above = new Set<TreePath>();

  constructor(gone: readonly Name[], kind: 'dir' | 'file', found: readonly Rename<Name>[]) {
    for (const rename of found) this.#note(rename.from.path, rename.to.path);
    for (const name of gone) {
      const key = name.dirent.kind === kind ? keyOf(name) : undefined;
      if (key === undefined) continue;
      const same = this.#byKey.get(key);
      if (same === undefined) this.#byKey.set(key, [name]);
      else same.push(name);
    }
  }

  /** Whether an added name, or a Dir above it, was matched. */
  isCovered(path: TreePath): boolean {
    return isBelow(this.#to, path);
  }

  take(to: Name, sameName: boolean): Name | undefined {
    const key = keyOf(to);
    const same = key === undefined ? undefined : this.#byKey.get(key);
    const name = baseName(to.path);
    const at = same?.findIndex(
      ({ path }) => (!sameName || baseName(path) === name) && !isBelow(this.#from, path) && !this.#above.has(path),
    );
    if (same === undefined || at === undefined || at < 0) return undefined;
    const [from] = same.splice(at, 1);
    if (from !== undefined) this.#note(from.path, to.path);
    return from;
  }

  #note(from: TreePath, to: TreePath): void {
    this.#from.add(from);
    this.#to.add(to);
    for (let dir = parentPath(from); dir !== ROOT_PATH && !this.#above.has(dir); dir = parentPath(dir)) this.#above.add(dir);
  }
}

function isBelow(paths: ReadonlySet<TreePath>, path: TreePath): boolean {
  for (let at = path; at !== ROOT_PATH; at = parentPath(at)) if (paths.has(at)) return true;
  return false;
}

/** A key for the content, independent of the name; undefined for empty nodes and nodes without content. */
function keyOf({ dirent, tables = [] }: LoneName): string | undefined {
  if ((dirent.kind !== 'file' && dirent.kind !== 'dir') || dirent.block.span === 0) return undefined;
  const block = bytesOf(dirent.block);
  if (block === undefined || dirent.kind === 'file') return block;
  // Names of hard links in it refer to nodes of these tables.
  const inner = dirent.inodes === undefined ? [] : [dirent.inodes];
  return [block, ...(linksWithin(dirent) > 0 ? [...inner, ...tables].map(bytesOf) : [])].join(' ');
}

function bytesOf(block: Block): string | undefined {
  if (block.kind === 'hash' && block.hashcode.digest.length === 0) return undefined; // an unread local file
  return Buffer.from(blockrefBody(block)).toString('latin1');
}
