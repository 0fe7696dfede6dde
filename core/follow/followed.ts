import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { TailMark } from './checkpoint.ts';

/** Sums over the followed files. */
export interface FollowedCounts {
  readonly files: number;
  /** How many of these paths lead to no file at present. */
  readonly absent: number;
  /** Bytes of content. */
  readonly size: number;
  /** Bytes that this process stored. `readBytes`: bytes of local files that it read for that. */
  readonly newBytes: number;
  readonly readBytes: number;
  /** Bytes in local files that are not read yet. */
  readonly unreadBytes: number;
  /** How often a content continued with another file, or with the same file from its start. */
  readonly rotations: number;
}

/** Local files with which a part of a tree is kept in step. */
export interface Followed {
  /** Folders to watch. */
  readonly folders: readonly Octets[];
  /** Whether to watch all folders below these too. */
  readonly isDeep: boolean;
  /** Whether a change at a path matters. */
  concerns(path: Octets): boolean;
  /** Notes a change at a path; undefined: anything may have changed. */
  note(path: Octets | undefined): void;
  /** Notes that any entry of a directory may have changed. */
  noteEntries(directory: Octets): void;
  /** Reads what is new. @returns whether the tree must change */
  look(options: OpOptions): Promise<boolean>;
  /** Adds waiting Blocks to the Store. */
  flush(options: OpOptions): Promise<void>;
  /** Applies the changes to the tree. */
  bind(options: OpOptions): Promise<void>;
  /** The entries of a checkpoint: what another process needs to continue. */
  marks(): TailMark[];
  /** Notes that a root with the bound changes was recorded, as in the last marks. */
  noteRecorded(): void;
  /** What fails for some files while the others continue; undefined if nothing. */
  readonly trouble: string | undefined;
  counts(): FollowedCounts;
  close(): Promise<void>;
}
