import type { BigIntStats } from 'node:fs';
import type { Octets } from '../../base/octets.ts';
import type { FileSignature } from '../../base/system/file-signature.ts';
import type { Block } from '../../block/block.ts';
import type { ChangedStat } from './ingest-protocol.ts';

/** A file as it went into the Store. */
export interface IngestedFile {
  readonly block: Block;
  /** Its state once it was read, where that differs from the one seen before. */
  readonly stat: ChangedStat | undefined;
  /** The signature of what was read. */
  readonly seen: FileSignature;
  /** Whether `block` is one state of the file; else it changed again and again while it was read. */
  readonly isStable: boolean;
  /** Ascending by name; undefined where there are none. */
  readonly xattrs: ReadonlyMap<Octets, Uint8Array> | undefined;
  /** What kept an attribute of the user's from being read. */
  readonly xattrError: unknown;
  /** When it was opened, or earlier: milliseconds since 1970. */
  readonly readAtMs: number;
}

/** What an ingest needs of a file that it is to read. */
export type SeenFile = FileSignature & Partial<Pick<BigIntStats, 'blocks'>>;

/** Where a file is opened from; the directory stays open until the file is settled. */
export interface FilePlace {
  /** The descriptor of an open directory: workers share it. */
  readonly dir: number;
  readonly name: Octets;
}

/** A file on its way. One of the two is called, once. */
export interface QueuedFile extends FilePlace {
  readonly seen: SeenFile;
  readonly resolve: (file: IngestedFile) => void;
  readonly reject: (error: unknown) => void;
}
