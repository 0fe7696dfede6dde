import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { TailMark } from './checkpoint.ts';

/** Sums over what is followed. */
export interface FollowedCounts {
  readonly files: number;
  /** Of these, those whose path leads nowhere at present. */
  readonly absent: number;
  /** Bytes of content. */
  readonly size: number;
  /** Bytes that were taken in by this process, and those that were read of local files for that. */
  readonly newBytes: number;
  readonly readBytes: number;
  /** Bytes that are in local files, and not taken in. */
  readonly unreadBytes: number;
  /** Times that a content continued with another file, or with the same from its start. */
  readonly rotations: number;
}

/** Local files that a part of a tree is kept in step with. */
export interface Followed {
  /** Folders in which changes are looked for. */
  readonly folders: readonly Octets[];
  /** Whether also in all folders below these. */
  readonly isDeep: boolean;
  /** Whether a change at a path is worth a look. */
  concerns(path: Octets): boolean;
  /** A change was seen at a path, or may have been missed anywhere. */
  note(path: Octets | undefined): void;
  /** Any of the entries of a directory may have changed. */
  noteEntries(directory: Octets): void;
  /** Takes in what is new. @returns whether the tree has to change */
  look(options: OpOptions): Promise<boolean>;
  /** Adds what waits to the Store. */
  flush(options: OpOptions): Promise<void>;
  /** Brings what changed into the tree. */
  bind(options: OpOptions): Promise<void>;
  /** What has to be kept to continue after the process has ended. */
  marks(): TailMark[];
  /** A root is recorded that has what was bound, as the last marks say. */
  noteRecorded(): void;
  /** What goes wrong with some of it, while the rest continues. */
  readonly trouble: string | undefined;
  counts(): FollowedCounts;
  close(): Promise<void>;
}
