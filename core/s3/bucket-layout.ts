import type { OpOptions } from '../base/op-options.ts';
import type { Location } from '../datadir/index/index-types.ts';
import type { Codec } from '../store/records/datafile.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackKind, PackName } from './pack-names.ts';

/** How Blocks lie in a bucket: many in one object, or each in its own, where a CDN can serve it by its hash. */
export type LayoutName = 'packs' | 'blocks';

/** What all layouts share is the index: its segments tell of packs, which are objects, or Blocks that were added together. */
export interface BucketLayout {
  readonly name: LayoutName;
  readonly uploads: Uploads;
  /** What gc counts. */
  readonly sizes: LayoutSizes;
  /** The key of the object in which a Block lies. */
  keyOf(digest: Uint8Array, location: Pick<Location, 'file'>): string;
  /** A Block's octets as they are stored; fewer where the object ends before, undefined where it is not there. Not to be modified. */
  stored(digest: Uint8Array, location: Location, options: OpOptions): Promise<Buffer | undefined>;
  /** The same, past all that was got before. */
  storedAgain(digest: Uint8Array, location: Location, options: OpOptions): Promise<Buffer | undefined>;
  /** Records of Blocks, in their order; incomplete ones are left out. */
  records(wanted: readonly WantedRecord[], options: OpOptions): Promise<readonly RecordBatch[]>;
  /**
   * Has Blocks of packs in other packs, too, whether or not they are there already.
   *
   * @param packs - their indexes, where they are at hand
   * @returns a pack that is not there, or lacks a Block; undefined where all went well
   */
  keep(
    packs: ReadonlyMap<PackName, DatafileIndex | undefined>,
    isWanted: (digest: Uint8Array, pack: PackName) => boolean,
    options: OpOptions,
  ): Promise<PackName | undefined>;
  /** Lists what is there. All that the bucket's index tells of is known. */
  survey(options: OpOptions): Promise<BucketSurvey>;
  /** What of a pack is not there, by a survey. */
  lacks(pack: IndexedPack, survey: BucketSurvey): Iterable<MissingOctets>;
  /** Reads all of a pack, and verifies each Block. */
  check(pack: IndexedPack, options: OpOptions): Promise<CheckedPack>;
  /** Removes what retired packs alone have, but for what is needed. */
  remove(packs: ReadonlySet<PackName>, isNeeded: (digest: Uint8Array) => boolean, options: OpOptions): Promise<RemovedPacks>;
  /** Makes a pack of what no segment tells of, for which `retire` is called first. Where packs are objects they are retired as they are. */
  retireStrays?(strays: readonly ListedBlock[], retire: (pack: PackName) => Promise<void>, options: OpOptions): Promise<void>;
}

/** A Block whose record is wanted. */
export interface WantedRecord {
  readonly digest: Uint8Array;
  readonly place: Location | WaitingRecord;
}

/** One that waits to be put into the bucket, or to be told of. */
export interface WaitingRecord extends PendingBlock {
  readonly record: Buffer;
}

/** What a pack takes besides its Blocks, and how small one is merged with others. */
export interface LayoutSizes {
  /** Octets of a pack without Blocks. */
  readonly fixed: number;
  /** Octets that a Block takes in its pack. */
  ofBlock(storedSize: number, digestSize: number): number;
  /** So many packs with fewer octets than `small` are made one. */
  readonly many: number;
  readonly small: number;
}

/** What a listing found. */
export interface BucketSurvey {
  /** Packs that are at least partly present. */
  readonly packs: ReadonlyMap<PackName, SurveyedPack>;
  /** Blocks in objects that no segment tells of. */
  readonly strays: readonly ListedBlock[];
  /** Whether all octets of a Block are there. */
  has(digest: Uint8Array, location: Location): boolean;
}

export interface SurveyedPack {
  /** Octets of its objects. */
  readonly size: number;
  /** When the newest of them was put, by the service's clock. */
  readonly modifiedMs: number;
}

export interface ListedBlock {
  readonly digest: Uint8Array;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Octets that ought to be there. */
export interface MissingOctets {
  readonly key: string;
  readonly size: number;
  readonly reason: string;
}

/** What reading a pack came to. */
export interface CheckedPack {
  /** Octets that were read; undefined where the object of all is not there. */
  readonly bytes: number | undefined;
  /** Its Blocks that are damaged, by digest, and where they lie. */
  readonly damaged: ReadonlyMap<string, { readonly key: string; readonly start: number; readonly end: number }>;
}

/** What became of packs that were to be removed. */
export interface RemovedPacks {
  /** Objects. */
  readonly count: number;
  /** Objects that the service keeps, by a lock or a hold. */
  readonly lockedCount: number;
  /** The packs that they are of. */
  readonly locked: ReadonlySet<PackName>;
}

/** A Block that the index does not know yet. */
export interface PendingBlock {
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: Codec;
}

/** Puts Blocks into the bucket, before the index tells of them. */
export interface Uploads {
  /** A Block that waits. */
  find(digest: Uint8Array): PendingBlock | undefined;
  /** The record of a Block that waits; undefined where it does not, or is gone. Not to be modified. */
  record(digest: Uint8Array, options: OpOptions): Promise<Buffer | undefined>;
  /** Whether nothing waits. */
  readonly isEmpty: boolean;
  /** Whether so much is in the bucket that the index should tell of it. */
  readonly isDue: boolean;
  /** Adds a record of a batch, copied. @param at - where in the image it begins */
  add(kind: PackKind, batch: RecordBatch, i: number, at: number): void;
  /** Resolves when more may be added. @throws what went wrong with an upload */
  room(): Promise<void>;
  /** Puts all that waits into the bucket. What failed before is tried again. */
  drain(): Promise<void>;
  /**
   * Packs in the bucket that the index does not know yet.
   *
   * @throws {LostAddsError} where they have been there for so long that gc took them for those of a dead process
   */
  uploaded(options: OpOptions): Promise<readonly IndexedPack[]>;
  /** Runs what makes packs known, while no gc can remove what is in them. @throws {LostAddsError} where one has */
  guarded(packs: readonly IndexedPack[], publish: () => Promise<void>, options: OpOptions): Promise<void>;
  /** The index knows these packs. */
  noteIndexed(packs: readonly IndexedPack[]): void;
}
