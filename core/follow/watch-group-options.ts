import type { Octets } from '../base/octets.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { EdgeScanner } from '../blockify/edge-scanner.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import type { NameFilter } from '../filter/name-filter.ts';
import type { ImportOptions } from '../import/import-options.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import type { Tree } from '../tree/tree.ts';
import type { TailMark } from './checkpoint.ts';

/** What a watched tree is, and how it is watched. */
export interface WatchGroupOptions {
  readonly store: Store;
  readonly tree: Tree;
  /** Absolute, without a trailing slash. */
  readonly folder: Octets;
  readonly target: TreePath;
  readonly scanner: EdgeScanner;
  readonly owners: OwnerNames;
  /** How all of it is imported. */
  readonly imports: Pick<ImportOptions, 'isStoreFolder' | 'parser' | 'oneFilesystem'>;
  /** Which names count; default all. */
  readonly filter?: NameFilter | undefined;
  /** Of files that had grown, where an earlier process ended. */
  readonly marks?: readonly TailMark[] | undefined;
  /** Between two looks at all of it: milliseconds. */
  readonly rescanMs: number;
  /** Starts the workers that take in what is much of a file that has grown. */
  readonly makeIngest: () => Ingest;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
}
