import type { TreePath } from './path.ts';

/** A path that changed here meanwhile, so that the other state was not adopted there. */
export interface AdoptClash {
  readonly path: TreePath;
  /** Where the other state was put instead; undefined if the other state was a removal. */
  readonly theirsAt: TreePath | undefined;
}
