import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Store } from '../store/store.ts';
import type { OwnerPolicy } from './export-attributes.ts';
import type { ExportCounts, ExportFailure } from './export-report.ts';

/** What one export works with; see {@link ExportOptions}. */
export interface ExportContext {
  readonly source: Store;
  readonly at: AtCalls;
  readonly target: Octets;
  readonly owner: OwnerPolicy;
  readonly names: OwnerNames;
  readonly sparse: boolean;
  /** Directories of single nodes that were swept. */
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
  /** What temporary names begin with; a number follows. */
  readonly temporaryPrefix: string;
}
