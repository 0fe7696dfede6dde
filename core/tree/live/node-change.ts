import type { ArchiveLine } from '../../archive/archive-line.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { TreePath } from '../path.ts';
import { joinPath } from '../path.ts';
import { findLoadedNode } from './inode-scope.ts';
import type { LiveDir, LiveLeaf, NodePlace } from './live-node.ts';

/** A change of a name or of metadata, with paths of its time: the same changes in the same order on the same tree give the same tree. */
export type NodeChange =
  | { readonly kind: 'make'; readonly path: TreePath; readonly dirent: Exclude<Dirent, IndirectDirent> }
  | { readonly kind: 'remove'; readonly path: TreePath; readonly sort: 'dir' | 'leaf' }
  | {
      readonly kind: 'rename';
      readonly path: TreePath;
      readonly to: TreePath;
      readonly manner: 'replace' | 'keep' | 'exchange';
      /** What takes the old name. */
      readonly leave: Exclude<Dirent, IndirectDirent> | undefined;
    }
  | { readonly kind: 'link'; readonly path: TreePath; readonly to: TreePath }
  | { readonly kind: 'meta'; readonly path: TreePath; readonly meta: Meta };

/** Is told of the changes of a live tree, each right after it was made, and of its roots. */
export interface ChangeLog {
  /**
   * @param nowNs - the time of the change, ns since 1970
   * @param node - the one whose name, links or metadata changed
   */
  note(change: NodeChange, nowNs: bigint, node: LiveDir | LiveLeaf): void;
  /** The tree has changed, or will at once, in a way that a `NodeChange` does not tell. */
  lose(): void;
  /** Whether nothing is left of it once the tree is recorded as it is. */
  readonly isEmpty: boolean;
  /** The tree as it is now is about to be stored, to become a root. */
  rootBegins(): void;
  /**
   * That root is about to be recorded by a line of the archive.
   *
   * @param ours - the tree as it was stored
   * @param line - has `ours`, or what was made of it and of the root of another session
   */
  rootFollows(ours: DirDirent, line: Pick<ArchiveLine, 'whenNs' | 'dirent'>): Promise<void>;
  /** It is recorded. Never fails: what is left of the log is then of no account. */
  rootRecorded(ours: DirDirent): Promise<void>;
}

/** A path of a node: `none` of one without a name, undefined where none is known of those that a hard-linked one has. */
export function nodePath(node: LiveDir | LiveLeaf): TreePath | 'none' | undefined {
  if (node.sort === 'dir') return node.path();
  const { hard, home } = node;
  if (hard === undefined) return home === undefined ? 'none' : placePath(home);
  if (hard.nlink <= 0) return 'none';
  const known = hard.known?.find(({ dir, name }) => {
    const entry = dir.overlay.get(name);
    return entry?.sort === 'link' && isAttached(dir) && findLoadedNode(dir, entry.uuid) === node;
  });
  return known === undefined ? undefined : placePath(known);
}

function placePath({ dir, name }: NodePlace): TreePath {
  return joinPath(dir.path(), name);
}

function isAttached(dir: LiveDir): boolean {
  for (let at: LiveDir | undefined = dir; at !== undefined; at = at.parent) if (at.gone) return false;
  return true;
}
