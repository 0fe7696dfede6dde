import type { TreePath } from './path.ts';

/** A path that changed here meanwhile and so did not become what it was to become. */
export interface AdoptClash {
  readonly path: TreePath;
  /** Where the other state is instead; undefined where there was only something to be removed. */
  readonly theirsAt: TreePath | undefined;
}
