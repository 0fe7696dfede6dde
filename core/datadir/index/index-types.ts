import { VtError } from '../../base/errors.ts';
import type { HashName } from '../../block/hash.ts';
import type { Codec } from '../../store/records/datafile.ts';

// What a datadir's index is asked and told.

/** An index that says what cannot be: it is to be made again. */
export class IndexDamagedError extends VtError {
  /** What cannot be, as the end of a sentence. */
  readonly reason: string;

  constructor(what: string) {
    super('ECORRUPT', `read index: ${what}`);
    this.reason = what;
  }
}

/** Where a Block is. */
export interface Location {
  /** File name within `data/`. */
  readonly file: string;
  /** First byte of the stored bytes, past the record's header. */
  readonly offset: number;
  readonly storedSize: number;
  readonly size: number;
  readonly codec: Codec;
  /** What is there was found damaged: it is reported when it is asked for, and stored again when it is added. */
  readonly isDamaged?: boolean;
}

/** How far the index knows a data file. */
export interface FileMarks {
  /** Every whole record before this offset is in the index. */
  readonly indexedTo: number;
  /** Size of the file when it was last read to its end: what is between the marks is a torn tail. */
  readonly seenSize: number;
}

/** Blocks and where they are, as they are iterated over; an iteration may give views that hold until the next one. */
export interface LocatedBlocks extends Iterable<readonly [digest: Uint8Array, location: Location]> {
  readonly length: number;
}

/** What one transaction puts into the index. */
export interface IndexBatch {
  readonly blocks: LocatedBlocks;
  readonly marks: ReadonlyMap<string, FileMarks>;
  /** The generation of the Store in which the values of the cache were made: they are dropped where it is over. */
  readonly generation?: string;
  /** Put after the Blocks, in the same transaction. */
  readonly cachePuts: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
}

/** A change of what the index says of a Block: made only where the Block still is where `from` says. */
export interface IndexRewrite {
  readonly digest: Uint8Array;
  readonly from: Location;
  /** Undefined takes the Block out of the index. */
  readonly to: Location | undefined;
}

/** Digests of Blocks that are there. */
export interface PresentDigests {
  readonly digests: readonly Uint8Array[];
  /** Blocks seen, damaged ones included. */
  readonly count: number;
  /** Digest of the last of them; undefined where there was none. */
  readonly last: Uint8Array | undefined;
}

/** What an index belongs to: it is of no use to anything else. */
export interface IndexOwner {
  readonly storeId: string;
  readonly hashName: HashName;
}
