import type { OpOptions } from '../base/op-options.ts';
import type { Location } from '../datadir/index/index-types.ts';
import type { Codec } from '../store/records/datafile.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackKind, PackName } from './pack-names.ts';

/** How Blocks are stored in a bucket: many in one object, or each in its own, which a CDN can serve by its hash. */
export type LayoutName = 'packs' | 'blocks';

/** A way to store Blocks. All layouts share the index: its segments list packs, which are objects or groups of single-Block objects. */
export interface BucketLayout {
  readonly name: LayoutName;
  readonly uploads: Uploads;
  /** Sizes by which gc decides. */
  readonly sizes: LayoutSizes;
  /** The key of the object that contains a Block. */
  keyOf(digest: Uint8Array, location: Pick<Location, 'file'>): string;
  /** A Block's stored octets; fewer if the object is too short, undefined if it does not exist. Do not modify them. */
  stored(digest: Uint8Array, location: Location, options: OpOptions): Promise<Buffer | undefined>;
  /** The same, bypassing cached ranges. */
  storedAgain(digest: Uint8Array, location: Location, options: OpOptions): Promise<Buffer | undefined>;
  /** Records of Blocks in the given order; incomplete ones are left out. */
  records(wanted: readonly WantedRecord[], options: OpOptions): Promise<readonly RecordBatch[]>;
  /**
   * Stores Blocks of packs in other packs too, even if they are there already.
   *
   * @param packs - the packs, with their indexes if at hand
   * @returns a pack that does not exist, or lacks a Block; undefined on success
   */
  keep(
    packs: ReadonlyMap<PackName, DatafileIndex | undefined>,
    isWanted: (digest: Uint8Array, pack: PackName) => boolean,
    options: OpOptions,
  ): Promise<PackName | undefined>;
  /** Lists the objects of Blocks. The whole index must be loaded. */
  survey(options: OpOptions): Promise<BucketSurvey>;
  /** The octets of a pack that are missing in a survey. */
  lacks(pack: IndexedPack, survey: BucketSurvey): Iterable<MissingOctets>;
  /** Reads a whole pack and verifies each Block. */
  check(pack: IndexedPack, options: OpOptions): Promise<CheckedPack>;
  /** Removes Blocks that only retired packs contain, unless they are needed. */
  remove(packs: ReadonlySet<PackName>, isNeeded: (digest: Uint8Array) => boolean, options: OpOptions): Promise<RemovedPacks>;
  /** Calls `retire` for new packs of the strays, then indexes them. Absent if packs are objects, which are retired themselves. */
  retireStrays?(strays: readonly ListedBlock[], retire: (pack: PackName) => Promise<void>, options: OpOptions): Promise<void>;
}

/** A Block whose record is wanted. */
export interface WantedRecord {
  readonly digest: Uint8Array;
  readonly place: Location | WaitingRecord;
}

/** The record of a Block that waits for its upload, or for publication. */
export interface WaitingRecord extends PendingBlock {
  readonly record: Buffer;
}

/** The overhead of a pack, and the limits for merging small packs. */
export interface LayoutSizes {
  /** Octets of an empty pack. */
  readonly fixed: number;
  /** Octets of a Block in a pack, with its overhead. */
  ofBlock(storedSize: number, digestSize: number): number;
  /** This many packs with fewer octets than `small` are merged into one. */
  readonly many: number;
  readonly small: number;
}

/** The result of listing all objects of Blocks. */
export interface BucketSurvey {
  /** Packs that exist at least in part. */
  readonly packs: ReadonlyMap<PackName, SurveyedPack>;
  /** Blocks whose objects are not in the index. */
  readonly strays: readonly ListedBlock[];
  /** Whether all octets of a Block exist. */
  has(digest: Uint8Array, location: Location): boolean;
}

/** A pack in a survey. */
export interface SurveyedPack {
  /** Octets of its objects. */
  readonly size: number;
  /** When the newest of them was stored, in milliseconds since 1970 by the service's clock. */
  readonly modifiedMs: number;
}

/** A single-Block object in a listing. */
export interface ListedBlock {
  readonly digest: Uint8Array;
  readonly size: number;
  readonly modifiedMs: number;
}

/** A missing range of octets. */
export interface MissingOctets {
  readonly key: string;
  readonly size: number;
  readonly reason: string;
}

/** The result of reading a pack. */
export interface CheckedPack {
  /** Octets that were read; undefined if the pack's object does not exist. */
  readonly bytes: number | undefined;
  /** Damaged Blocks, by digest, and their locations. */
  readonly damaged: ReadonlyMap<string, { readonly key: string; readonly start: number; readonly end: number }>;
}

/** The result of removing packs. */
export interface RemovedPacks {
  /** Objects that were removed. */
  readonly count: number;
  /** Objects that the service keeps because of a lock or a legal hold. */
  readonly lockedCount: number;
  /** The packs of these objects. */
  readonly locked: ReadonlySet<PackName>;
}

/** A Block that the index does not know yet. */
export interface PendingBlock {
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: Codec;
}

/** Uploads Blocks before they are published in the index. */
export interface Uploads {
  /** Finds a Block that is not published yet. */
  find(digest: Uint8Array): PendingBlock | undefined;
  /** The record of an unpublished Block; undefined if there is none, or it no longer exists. Do not modify it. */
  record(digest: Uint8Array, options: OpOptions): Promise<Buffer | undefined>;
  /** Whether all Blocks are published. */
  readonly isEmpty: boolean;
  /** Whether so much was uploaded that it should be published. */
  readonly isDue: boolean;
  /** Adds a copy of a batch's record. @param at - its offset in the image */
  add(kind: PackKind, batch: RecordBatch, i: number, at: number): void;
  /** Resolves when more may be added. @throws the error of a failed upload */
  room(): Promise<void>;
  /** Completes all uploads, and retries failed ones. */
  drain(): Promise<void>;
  /**
   * Uploaded packs that are not published yet.
   *
   * @throws {LostAddsError} if gc has removed them because they were unpublished for too long
   */
  uploaded(options: OpOptions): Promise<readonly IndexedPack[]>;
  /** Runs `publish` while no gc can remove the packs' Blocks. @throws {LostAddsError} if gc has removed some */
  guarded(packs: readonly IndexedPack[], publish: () => Promise<void>, options: OpOptions): Promise<void>;
  /** Notes that these packs are published. */
  noteIndexed(packs: readonly IndexedPack[]): void;
}
