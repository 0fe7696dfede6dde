import type { BigIntStats } from 'node:fs';
import type { Octets } from '../../base/octets.ts';
import type { FileSignature } from '../../base/system/file-signature.ts';
import type { Block } from '../../block/block.ts';
import type { ChangedStat } from './ingest-protocol.ts';

/** A stored file. */
export interface IngestedFile {
  readonly block: Block;
  /** Its status after reading, if it differs from the known one. */
  readonly stat: ChangedStat | undefined;
  /** The signature of the state that was read. */
  readonly seen: FileSignature;
  /** Whether `block` is one state of the file. False if it changed during each reading. */
  readonly isStable: boolean;
  /** Ascending by name; undefined if there are none. */
  readonly xattrs: ReadonlyMap<Octets, Uint8Array> | undefined;
  /** The error if a `user.` attribute could not be read. */
  readonly xattrError: unknown;
  /** A time before or at its opening, in milliseconds since 1970. */
  readonly readAtMs: number;
}

/** The status of a file that an ingest needs. */
export type SeenFile = FileSignature & Partial<Pick<BigIntStats, 'blocks'>>;

/** The place of a file. The directory must stay open until the file is stored or has failed. */
export interface FilePlace {
  /** The descriptor of an open directory, which workers share. */
  readonly dir: number;
  readonly name: Octets;
}

/** A queued file. One of the two callbacks is called, once. */
export interface QueuedFile extends FilePlace {
  readonly seen: SeenFile;
  readonly resolve: (file: IngestedFile) => void;
  readonly reject: (error: unknown) => void;
}
