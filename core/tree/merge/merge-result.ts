import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import type { TreePath } from '../path.ts';
import type { MetaClash } from './merge-meta.ts';

/** A conflict between the two sides. */
export interface MergeConflict {
  readonly path: TreePath;
  /** Both changed it; one removed what the other changed; both changed the same metadata; or both gave it different names. */
  readonly kind: 'both-changed' | 'removed-by-us' | 'removed-by-them' | 'metadata' | 'both-renamed';
  /** The path of the version that lost its name: their version if both changed it. If both renamed it, their name. */
  readonly theirsAt?: TreePath;
  /** The chosen side, if one was chosen; the other version is not in the result. */
  readonly took?: 'ours' | 'theirs';
  /** For metadata: the fields that both changed. Unless a side was chosen, the rule decides. */
  readonly clashes?: readonly MetaClash[];
}

/** A name that only one of two trees without a common past has: it may have been added there or removed in the other. */
export interface OnlyOne {
  readonly path: TreePath;
  readonly side: 'ours' | 'theirs';
}

/** Two versions, of which one must be chosen or both kept. A removed version is undefined. */
export interface MergeChoice {
  readonly path: TreePath;
  readonly ours: Dirent | undefined;
  readonly theirs: Dirent | undefined;
}

/** The decision. */
export type Chosen = 'ours' | 'theirs' | 'both' | 'neither';

/** The result of a merge. */
export interface MergeResult {
  /** Self-contained; its Blocks are in the Store, not flushed. */
  readonly dirent: DirDirent;
  /** Nothing of either side is lost, unless a side was chosen, but a user should look at these. */
  readonly conflicts: readonly MergeConflict[];
  /** For trees without a common past: names that only one of them has. All of them are kept. */
  readonly onlyOne: readonly OnlyOne[];
}

/** Options of a merge. */
export interface MergeOptions extends OpOptions {
  /** The time of the merge, for the names of their versions. */
  readonly now: Date;
  /** Decides a conflict; default `both`. `neither` puts a placeholder there that equals no version, so each later version is a change. */
  readonly choose?: ((choice: MergeChoice) => Chosen) | undefined;
}
