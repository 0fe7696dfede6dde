import type { CName } from '../base/system/at-calls.ts';
import type { Meta } from '../dirent/meta.ts';
import type { WalkLink } from '../tree/walk.ts';
import type { Attributes } from './export-attributes.ts';
import type { ExportContext } from './export-context.ts';
import type { NamedPlace } from './export-links.ts';
import type { ExportReport } from './export-report.ts';

/** What those who write the files of an export need of it. */
export interface FileRun {
  readonly context: ExportContext;
  readonly report: ExportReport;
  /** A name in no use, to be renamed. */
  temporaryName(): CName;
  /** What to set for a node. */
  attributes(kind: string, meta: Meta, dropsAcl: boolean): Attributes;
  /** A node is there, or failed: its other names follow, and its directory may be complete. A promise where that takes a while. */
  done(place: NamedPlace, link: WalkLink | undefined, stands: boolean): Promise<void> | undefined;
  /** Reports a file that could not be written; where that was for its Blocks, each of them. */
  fail(place: NamedPlace, error: unknown): Promise<void>;
}
