import type { BigIntStats } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { BlockSink } from '../block/block-sink.ts';
import type { IntakeCounts } from '../blockify/ingest/block-intake.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { StoredNode } from './import-node.ts';

/** What an import found of local nodes. */
export interface NodeCounts {
  files: number;
  /** Bytes of the content of files, those of unchanged ones included; a hard-linked file counts once. */
  bytes: number;
  dirs: number;
  /** Symlinks, FIFOs, sockets and devices, and further names of hard links. */
  others: number;
  /** Files that were not opened, since they are as an earlier import left them. */
  unchangedFiles: number;
  unchangedBytes: number;
  /** Names that the rules leave out; not those below them. */
  excluded: number;
  /** Nodes that failed, each told to `onFailure`. */
  failures: number;
}

/** What an import found, and what it added to the Store. */
export interface ImportCounts extends IntakeCounts, Readonly<NodeCounts> {}

/** How far an import is. */
export interface ImportProgress extends ImportCounts {
  /** Bytes of `bytes` that are done: read, or unchanged. */
  readonly doneBytes: number;
  /** The walk is complete: `bytes` is what there is to do. */
  readonly isWalked: boolean;
}

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Store nothing: look up what would be new. */
  readonly plan?: boolean | undefined;
  /** Given the Blocks of new Dirs as well, so that what is planned can be read. */
  readonly dirs?: BlockSink | undefined;
  /** Record owners by their numbers alone. */
  readonly numericOwners?: boolean | undefined;
  /** Names of owners; default: this machine's. */
  readonly owners?: OwnerNames | undefined;
  /** Do not descend into directories of other filesystems: they become empty Dirs. */
  readonly oneFilesystem?: boolean | undefined;
  /** Of a directory that is marked as a cache by a `CACHEDIR.TAG`, take that file alone. */
  readonly excludesCaches?: boolean | undefined;
  /** The rules as they hold in `path`: names that they exclude are left out. */
  readonly filter?: DirFilter | undefined;
  /** Whether a directory is to be left out, with a warning: the Store's own, which may be made while the import runs. */
  readonly isStoreFolder?: ((directory: Pick<BigIntStats, 'dev' | 'ino'>) => boolean) | undefined;
  /** Read every file, whatever is remembered of it. */
  readonly reread?: boolean | undefined;
  /** The name of a parser for all files, or `none`; default: for each the one that fits. */
  readonly parser?: string | undefined;
  /** Keep the MIME type that content is found to have, as `user.mime_type`, where it has none. */
  readonly keepsTypes?: boolean | undefined;
  /** Worker threads, 0 for none; default: one a core, at most 2. */
  readonly workers?: number | undefined;
  /**
   * What is stored of a node below the top so far: it stays where the node cannot be read, but for one that is gone.
   *
   * @param path - from the top, without a slash in front
   */
  readonly stored?: ((path: Octets) => Promise<StoredNode | undefined>) | undefined;
  /**
   * Something that is left out, or stored in a state that was never on disk as a whole.
   *
   * @param isKept - its stored state stays
   */
  readonly onFailure?: ((path: Octets, error: unknown, isKept: boolean) => void) | undefined;
  readonly onWarning?: ((path: Octets, what: string) => void) | undefined;
  /** Called some ten times a second. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}
