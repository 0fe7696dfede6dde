import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import type { TreePath } from '../path.ts';
import type { MetaClash } from './merge-meta.ts';

/** Where the two sides could not both have their way. */
export interface MergeConflict {
  readonly path: TreePath;
  /** Both changed it, or one removed what the other changed, or both changed the same metadata of it, or gave it other names. */
  readonly kind: 'both-changed' | 'removed-by-us' | 'removed-by-them' | 'metadata' | 'both-renamed';
  /** Where the version that lost its name stands now: theirs of what both changed. Of what both renamed, the name that they gave it. */
  readonly theirsAt?: TreePath;
  /** Whose version was taken, where one was chosen: the other is not in the result. */
  readonly took?: 'ours' | 'theirs';
  /** Of metadata: what both changed. Where nobody took a side, it is decided by rule. */
  readonly clashes?: readonly MetaClash[];
}

/** What is under a name in one of two trees that have nothing in common: it may have been added there or removed in the other. */
export interface OnlyOne {
  readonly path: TreePath;
  readonly side: 'ours' | 'theirs';
}

/** Two versions: one must be chosen, or both kept. Undefined is one that was removed. */
export interface MergeChoice {
  readonly path: TreePath;
  readonly ours: Dirent | undefined;
  readonly theirs: Dirent | undefined;
}

/** Which version is taken. */
export type Chosen = 'ours' | 'theirs' | 'both' | 'neither';

export interface MergeResult {
  /** Self-contained; its Blocks are in the Store, not flushed. */
  readonly dirent: DirDirent;
  /** Nothing of either side is lost, but somebody should look. */
  readonly conflicts: readonly MergeConflict[];
  /** Of trees without a common state: what one of them lacks. All of it is kept. */
  readonly onlyOne: readonly OnlyOne[];
}

export interface MergeOptions extends OpOptions {
  /** The time of the merge, for the names of what is kept of theirs. */
  readonly now: Date;
  /** Decides a conflict; default `both`. With `neither` something stands there that is neither: what either side makes of it later is a change. */
  readonly choose?: ((choice: MergeChoice) => Chosen) | undefined;
}
