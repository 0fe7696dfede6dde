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

/** A watched tree, and how to watch it. */
export interface WatchGroupOptions {
  readonly store: Store;
  readonly tree: Tree;
  /** Absolute, without a trailing slash. */
  readonly folder: Octets;
  readonly target: TreePath;
  readonly scanner: EdgeScanner;
  readonly owners: OwnerNames;
  /** How to import it. */
  readonly imports: Pick<ImportOptions, 'isStoreFolder' | 'parser' | 'oneFilesystem'>;
  /** Selects names; default all. */
  readonly filter?: NameFilter | undefined;
  /** The grown files of an earlier process, from its checkpoint. */
  readonly marks?: readonly TailMark[] | undefined;
  /** Milliseconds between full scans. */
  readonly rescanMs: number;
  /** Starts the workers for large appends. */
  readonly makeIngest: () => Ingest;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
}
