import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import type { ImportFailures } from './import-failures.ts';
import type { ImportedLinks } from './import-links.ts';
import type { NodeCounts } from './import-options.ts';
import type { ImportTop } from './import-top.ts';

/** What the parts of an import share. */
export interface ImportContext {
  readonly top: ImportTop;
  readonly ingest: Ingest;
  readonly owners: OwnerNames;
  readonly links: ImportedLinks;
  readonly counts: NodeCounts;
  readonly failures: ImportFailures;
  /** Read every file, whatever is remembered of it. */
  readonly reread: boolean;
  /** The MIME type that content is found to have is kept, where it has none. */
  readonly keepsTypes: boolean;
}
