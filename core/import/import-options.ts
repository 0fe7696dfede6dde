import type { BigIntStats } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { BlockSink } from '../block/block-sink.ts';
import type { IntakeCounts } from '../blockify/ingest/block-intake.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { StoredNode } from './import-node.ts';

/** The counts of local nodes in an import. */
export interface NodeCounts {
  files: number;
  /** Bytes of the contents of files, including unchanged ones. A hard-linked file counts once. */
  bytes: number;
  dirs: number;
  /** Symlinks, FIFOs, sockets and devices, and further names of hard links. */
  others: number;
  /** Files that were not opened, because they have not changed since an earlier import. */
  unchangedFiles: number;
  unchangedBytes: number;
  /** Names that the rules exclude, without those below them. */
  excluded: number;
  /** Nodes that failed. Each is reported to `onFailure`. */
  failures: number;
}

/** The counts of an import, and of the Blocks that it added to the Store. */
export interface ImportCounts extends IntakeCounts, Readonly<NodeCounts> {}

/** The progress of an import. */
export interface ImportProgress extends ImportCounts {
  /** The part of `bytes` that is done: read, or unchanged. */
  readonly doneBytes: number;
  /** The walk is complete, so `bytes` is final. */
  readonly isWalked: boolean;
}

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Store nothing; only count what would be new. */
  readonly plan?: boolean | undefined;
  /** Also receives the Blocks of new Dirs, so that a planned tree can be read. */
  readonly dirs?: BlockSink | undefined;
  /** Record owners by number only. */
  readonly numericOwners?: boolean | undefined;
  /** Names of owners; default: those of this machine. */
  readonly owners?: OwnerNames | undefined;
  /** Do not enter directories of other filesystems. They become empty Dirs. */
  readonly oneFilesystem?: boolean | undefined;
  /** Of a directory that a `CACHEDIR.TAG` marks as a cache, import only that file. */
  readonly excludesCaches?: boolean | undefined;
  /** The rules at `path`. Excluded names are left out. */
  readonly filter?: DirFilter | undefined;
  /** Whether a directory is the Store's own, which is left out with a warning. It may be made while the import runs. */
  readonly isStoreFolder?: ((directory: Pick<BigIntStats, 'dev' | 'ino'>) => boolean) | undefined;
  /** Read every file, regardless of the cache. */
  readonly reread?: boolean | undefined;
  /** The name of the parser for all files, or `none`; default: chosen for each file. */
  readonly parser?: string | undefined;
  /** Store the MIME types of contents as `user.mime_type`, unless they have one. */
  readonly keepsTypes?: boolean | undefined;
  /** Worker threads, 0 for none; default: one per core, at most 2. */
  readonly workers?: number | undefined;
  /**
   * Returns the stored state of a node below the top. It is kept if the node exists but cannot be read.
   *
   * @param path - relative to the top, without a leading slash
   */
  readonly stored?: ((path: Octets) => Promise<StoredNode | undefined>) | undefined;
  /**
   * Called for each node that is left out, or that changed while it was read.
   *
   * @param isKept - whether its stored state is kept
   */
  readonly onFailure?: ((path: Octets, error: unknown, isKept: boolean) => void) | undefined;
  readonly onWarning?: ((path: Octets, what: string) => void) | undefined;
  /** Called about ten times a second. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}
