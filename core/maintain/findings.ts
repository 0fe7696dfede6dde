import { octetsToText } from '../base/octets.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { TreePath } from '../tree/path.ts';
import type { BlockFault } from './reach.ts';

/** Something that a look over a Store found. */
export type Finding =
  /** A path that cannot be read whole: this is what counts. */
  | {
      readonly kind: 'harm';
      readonly path: TreePath;
      readonly archive: string;
      /** Of the entry in the archive. */
      readonly number: number;
      readonly hashcode: HashCode | undefined;
      readonly fault: BlockFault;
      /** Where the Block is, if known. */
      readonly file?: string;
      readonly offset?: number;
      readonly reason?: string;
    }
  /** A line of an archive that cannot be read: its root is lost. */
  | { readonly kind: 'archive'; readonly archive: string; readonly line: number; readonly reason: string }
  /** The index says what is not so. It is a cache. */
  | { readonly kind: 'index'; readonly reason: string }
  /** Blocks in the data files that the index does not have, and no root needs: an interrupted gc had dropped them. */
  | { readonly kind: 'dropped'; readonly count: number }
  /** Bytes of a data file that are no record: what was there harms paths, or is needed by none. */
  | { readonly kind: 'data'; readonly file: string; readonly start: number; readonly end: number; readonly reason: string }
  /** The end of a data file, cut off by a crash: nothing that was recited. */
  | { readonly kind: 'tail'; readonly file: string; readonly start: number; readonly end: number };

/** Whether a finding is a fault, not only worth knowing. */
export function isFault(finding: Finding): boolean {
  return finding.kind === 'harm' || finding.kind === 'archive' || finding.kind === 'index';
}

/** A finding as a line for people. */
export function findingText(finding: Finding): string {
  switch (finding.kind) {
    case 'harm': {
      const { path, hashcode, fault, file, offset, archive, number, reason } = finding;
      const block = hashcode === undefined ? 'what its reference holds' : `Block H{${hashcodeLabel(hashcode)}}`;
      const where = file === undefined ? '' : ` in "${file}" at byte ${offset}`;
      const why = fault === 'unreadable' && reason !== undefined ? ` (${reason})` : '';
      return `"${octetsToText(path)}": ${block} is ${fault}${where}${why}, in root ${number} of archive "${archive}"`;
    }
    case 'archive':
      return `archive "${finding.archive}" line ${finding.line}: ${finding.reason}`;
    case 'index':
      return `index: ${finding.reason}`;
    case 'dropped':
      return `${finding.count} Blocks are in the data files and not in the index, and no root needs them: gc frees their room`;
    case 'data':
      return `data file "${finding.file}": bytes ${finding.start}..${finding.end}: ${finding.reason}`;
    case 'tail':
      return `data file "${finding.file}": bytes ${finding.start}..${finding.end} are the torn end of a write that was never acknowledged`;
  }
}
