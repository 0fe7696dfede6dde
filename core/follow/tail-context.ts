import type { OwnerNames } from '../base/system/owner-names.ts';
import type { EdgeScanner } from '../blockify/edge-scanner.ts';
import type { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import type { Store } from '../store/store.ts';
import type { FileOpener } from './tailed-file.ts';

/** What a tail needs from outside. */
export interface TailContext {
  readonly store: Pick<Store, 'hashName' | 'get' | 'has' | 'addBatch' | 'name'>;
  readonly scanner: EdgeScanner;
  /** The name of the requested parser; undefined: the one that fits. */
  readonly parser: string | undefined;
  readonly owners: OwnerNames;
  /** Opens the files. */
  readonly opener: FileOpener;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Workers for large reads. */
  readonly ingest: IngestOnDemand | undefined;
  /** Whether a file is also followed under another path. @param asker - the tail that asks */
  readonly isElsewhere: (file: { readonly dev: bigint; readonly ino: bigint }, asker: object) => boolean;
}

/** The figures of one tail. */
export interface TailCounts {
  /** Size of the content in bytes. */
  readonly size: number;
  /** Bytes that this process added. `readBytes`: bytes that it read for that. */
  readonly newBytes: number;
  readonly readBytes: number;
  /** Bytes of the files that are not read yet. */
  readonly unreadBytes: number;
  /** Whether the path leads to a file at present. */
  readonly isThere: boolean;
  /** How often the content continued with another file, or with the same file from its start. */
  readonly rotations: number;
}
