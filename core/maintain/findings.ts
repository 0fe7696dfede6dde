import { octetsToText } from '../base/octets.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { TreePath } from '../tree/path.ts';
import type { BlockFault } from './reach.ts';

/** A finding of fsck, scrub or repair. */
export type Finding =
  /** A path that cannot be read completely. Only these findings mean lost data. */
  | {
      readonly kind: 'harm';
      readonly path: TreePath;
      readonly archive: string;
      /** The number of the entry in the archive. */
      readonly number: number;
      readonly hashcode: HashCode | undefined;
      readonly fault: BlockFault;
      /** The data file and offset of the Block, if known. */
      readonly file?: string;
      readonly offset?: number;
      readonly reason?: string;
    }
  /** An unreadable line of an archive: its root is lost. */
  | { readonly kind: 'archive'; readonly archive: string; readonly line: number; readonly reason: string }
  /** The index is wrong. It is only a cache. */
  | { readonly kind: 'index'; readonly reason: string }
  /** Blocks in the data files that the index lacks and no root needs: an interrupted gc had removed them from the index. */
  | { readonly kind: 'dropped'; readonly count: number }
  /** Bytes of a data file that are not a valid record. Blocks that were there are either reported as harm or needed by no root. */
  | { readonly kind: 'data'; readonly file: string; readonly start: number; readonly end: number; readonly reason: string }
  /** An incomplete record at the end of a data file, left by a crash. It was never confirmed to anybody. */
  | { readonly kind: 'tail'; readonly file: string; readonly start: number; readonly end: number };

/** Whether a finding is a fault, not just information. */
export function isFault(finding: Finding): boolean {
  return finding.kind === 'harm' || finding.kind === 'archive' || finding.kind === 'index';
}

/** Formats a finding as a line of text. */
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
