import type { NeededRoot } from './roots.ts';
import type { StoreView } from './store-view.ts';

export interface GcOptions {
  /** The Store whose Blocks are in the datadir; default: the datadir itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  /** Data files that were written to within this time are left alone, in milliseconds. */
  readonly graceMs: number;
  /** Tell what would be done, and do nothing. */
  readonly plan: boolean;
  /** Free everything where no archive has a root. */
  readonly rootless?: boolean;
  /** Archive files that are elsewhere and have roots of this Store. */
  readonly moreArchives?: readonly string[];
  /** Roots that are needed and that no archive has to have. Asked for again when what nobody needs has been set aside. */
  readonly moreRoots?: () => Iterable<NeededRoot>;
  readonly now: () => Date;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number; readonly total?: number }) => void;
  readonly onNotice?: (notice: string) => void;
}

/** What gc did, or would do. */
export interface GcCounts {
  readonly roots: number;
  /** Blocks that are needed. */
  readonly liveBlocks: number;
  /** Blocks that were removed. */
  readonly freedBlocks: number;
  readonly freedBytes: number;
  /** Bytes that were copied to new files. */
  readonly copiedBytes: number;
  readonly files: number;
  readonly droppedFiles: number;
  /** Blocks that no root needs and that stay: they were added of late, or a session at work may count on them, or copying the rest is not worth it. */
  readonly keptBlocks: number;
  readonly keptBytes: number;
  /** Sessions at work that may count on Blocks which no root needs yet. */
  readonly sessions: number;
  /** What of the roots cannot be read, and never will be: what it may have listed counts as needed by nobody. */
  readonly unreadable: readonly string[];
}
