import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import type { ImportFailures } from './import-failures.ts';
import type { ImportedLinks } from './import-links.ts';
import type { NodeCounts } from './import-options.ts';
import type { ImportTop } from './import-top.ts';

/** The objects that the parts of an import share. */
export interface ImportContext {
  readonly top: ImportTop;
  readonly ingest: Ingest;
  readonly owners: OwnerNames;
  readonly links: ImportedLinks;
  readonly counts: NodeCounts;
  readonly failures: ImportFailures;
  /** Read every file, regardless of the cache. */
  readonly reread: boolean;
  /** Add the MIME types of contents to the metadata, as `user.mime_type`. */
  readonly keepsTypes: boolean;
}
