import type { OwnerNames } from '../base/system/owner-names.ts';
import type { EdgeScanner } from '../blockify/edge-scanner.ts';
import type { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import type { Store } from '../store/store.ts';
import type { FileOpener } from './tailed-file.ts';

/** What a tail takes from outside. */
export interface TailContext {
  readonly store: Pick<Store, 'hashName' | 'get' | 'has' | 'addBatch' | 'name'>;
  readonly scanner: EdgeScanner;
  /** The name of the parser that is asked for; default: the one that fits. */
  readonly parser: string | undefined;
  readonly owners: OwnerNames;
  /** Opens the files. */
  readonly opener: FileOpener;
  /** Milliseconds that only go up. */
  readonly monotonicMs: () => number;
  /** Takes in what is much. */
  readonly ingest: IngestOnDemand | undefined;
  /** Whether a file is followed under another path, too. @param asker - the tail that asks */
  readonly isElsewhere: (file: { readonly dev: bigint; readonly ino: bigint }, asker: object) => boolean;
}

/** What a tail has to report about itself. */
export interface TailCounts {
  /** Bytes of the content. */
  readonly size: number;
  /** Bytes taken in since it was begun by this process, and bytes read for that. */
  readonly newBytes: number;
  readonly readBytes: number;
  /** Bytes that are in the file, and not in the content. */
  readonly unreadBytes: number;
  /** The path leads to a file at present. */
  readonly isThere: boolean;
  /** Times that the content continued with another file, or with the same from its start. */
  readonly rotations: number;
}
