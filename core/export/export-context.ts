import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Store } from '../store/store.ts';
import type { OwnerPolicy } from './export-attributes.ts';
import type { ExportCounts, ExportFailure } from './export-report.ts';

/** The settings of one export; see {@link ExportOptions}. */
export interface ExportContext {
  readonly source: Store;
  readonly at: AtCalls;
  readonly target: Octets;
  readonly owner: OwnerPolicy;
  readonly names: OwnerNames;
  readonly sparse: boolean;
  /** Directories of exported single nodes in which leftovers were already removed, as `DEVICE INODE`. */
  readonly swept: Set<string>;
  readonly existing: 'replace' | 'keep';
  readonly resume: boolean;
  readonly keepsTopMeta: boolean;
  readonly workers: number;
  readonly signal: AbortSignal | undefined;
  readonly onFailure: ((failure: ExportFailure) => void) | undefined;
  readonly onProgress: ((counts: Readonly<ExportCounts>) => void) | undefined;
  readonly onNotice: ((notice: string) => void) | undefined;
  readonly foldsCase: boolean | undefined;
  /** The start of temporary names; a number follows. */
  readonly temporaryPrefix: string;
}
