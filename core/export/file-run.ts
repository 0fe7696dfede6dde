import type { CName } from '../base/system/at-calls.ts';
import type { Meta } from '../dirent/meta.ts';
import type { WalkLink } from '../tree/walk.ts';
import type { Attributes } from './export-attributes.ts';
import type { ExportContext } from './export-context.ts';
import type { NamedPlace } from './export-links.ts';
import type { ExportReport } from './export-report.ts';

/** The interface of an export for the code that writes its files. */
export interface FileRun {
  readonly context: ExportContext;
  readonly report: ExportReport;
  /** A new temporary name. */
  temporaryName(): CName;
  /** The attributes to set for a node. */
  attributes(kind: string, meta: Meta, dropsAcl: boolean): Attributes;
  /**
   * Called when a node has been written or has failed. Makes its waiting links, and releases its directory.
   *
   * @param stands - whether the node exists
   * @returns a promise if the caller must wait
   */
  done(place: NamedPlace, link: WalkLink | undefined, stands: boolean): Promise<void> | undefined;
  /** Reports a file that could not be written. If Blocks are missing or damaged, reports each of them. */
  fail(place: NamedPlace, error: unknown): Promise<void>;
}
