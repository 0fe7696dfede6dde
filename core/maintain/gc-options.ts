import type { NeededRoot } from './roots.ts';
import type { StoreView } from './store-view.ts';

export interface GcOptions {
  /** The Store through which trees are read; default: the datadir itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  /** Data files written to within this many milliseconds are left alone. */
  readonly graceMs: number;
  /** Only report what would be done. */
  readonly plan: boolean;
  /** Remove everything if no archive has a root; default: refuse. */
  readonly rootless?: boolean;
  /** Archive files outside the Store that have roots of it. */
  readonly moreArchives?: readonly string[];
  /** Further roots to keep, besides those of archives. Called again after unneeded Blocks have been set aside. */
  readonly moreRoots?: () => Iterable<NeededRoot>;
  readonly now: () => Date;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number; readonly total?: number }) => void;
  readonly onNotice?: (notice: string) => void;
}

/** What gc did or would do. */
export interface GcCounts {
  readonly roots: number;
  /** Needed Blocks. */
  readonly liveBlocks: number;
  /** Removed Blocks. */
  readonly freedBlocks: number;
  readonly freedBytes: number;
  /** Bytes copied to new files. */
  readonly copiedBytes: number;
  readonly files: number;
  readonly droppedFiles: number;
  /**
   * Unneeded Blocks that stay: they are recent, a running session may rely on them, or copying the rest of their file is not worthwhile.
   */
  readonly keptBlocks: number;
  readonly keptBytes: number;
  /** Running sessions that may rely on Blocks which no root needs yet. */
  readonly sessions: number;
  /** Malformed Blocks of the roots, as text. What they listed counts as unneeded. */
  readonly unreadable: readonly string[];
}
