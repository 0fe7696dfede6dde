import type { ArchiveLine } from '../../archive/archive-line.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { TreePath } from '../path.ts';
import { joinPath } from '../path.ts';
import { findLoadedNode } from './inode-scope.ts';
import type { LiveDir, LiveLeaf, NodePlace } from './live-node.ts';

/** A change of a name or of metadata, with the paths at its time. Replaying the same changes in order on the same tree is deterministic. */
export type NodeChange =
  | { readonly kind: 'make'; readonly path: TreePath; readonly dirent: Exclude<Dirent, IndirectDirent> }
  | { readonly kind: 'remove'; readonly path: TreePath; readonly sort: 'dir' | 'leaf' }
  | {
      readonly kind: 'rename';
      readonly path: TreePath;
      readonly to: TreePath;
      readonly manner: 'replace' | 'keep' | 'exchange';
      /** The node that gets the old name. */
      readonly leave: Exclude<Dirent, IndirectDirent> | undefined;
    }
  | { readonly kind: 'link'; readonly path: TreePath; readonly to: TreePath }
  | { readonly kind: 'meta'; readonly path: TreePath; readonly meta: Meta };

/** Receives the changes of a live tree, each right after it was made, and its roots. */
export interface ChangeLog {
  /**
   * @param nowNs - the time of the change, in ns since 1970
   * @param node - the node whose name, links or metadata changed
   */
  note(change: NodeChange, nowNs: bigint, node: LiveDir | LiveLeaf): void;
  /** The tree has changed, or is about to change, in a way that a `NodeChange` cannot describe. */
  lose(): void;
  /** Whether the log will be empty once the present tree is recorded. */
  readonly isEmpty: boolean;
  /** The present tree is about to be stored, to become a root. */
  rootBegins(): void;
  /**
   * That root is about to be recorded as a line of the archive.
   *
   * @param ours - the tree as it was stored
   * @param line - contains `ours`, or its merge with another session's root
   */
  rootFollows(ours: DirDirent, line: Pick<ArchiveLine, 'whenNs' | 'dirent'>): Promise<void>;
  /** The root was recorded. Never rejects: remaining parts of the log are ignored from then on. */
  rootRecorded(ours: DirDirent): Promise<void>;
}

/** A path of a node; `none` if it has no name; undefined for a hard-linked node without a remembered name. */
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
