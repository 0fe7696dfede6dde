import type { Archive } from '../archive/archive.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Durability } from './durability.ts';
import type { RecordBatch } from './record-batch.ts';
import type { StoredCompression } from './stored-bytes.ts';

/** What a Store can do besides getting Blocks; fixed once it is open. */
export interface StoreCapabilities {
  readonly write: boolean;
  /** `hashcodes()` lists every Block. */
  readonly enumerate: boolean;
  /** `archivePath(name)` tells where the history of a named tree lies, or `archive(name)` reaches it. */
  readonly archives: boolean;
  /** `locate()` tells where Blocks lie in local files, so that workers may read them. */
  readonly locate: boolean;
  /** It may drop Blocks to make room: a cache, and no place to keep them. */
  readonly drops?: boolean;
}

/** What `add` found. */
export interface AddResult {
  readonly hashcode: HashCode;
  /** False if the Store had the Block already, or has it from an earlier add of this session. */
  readonly isNew: boolean;
}

/** A Block whose digest has been computed already, by our own pipeline. */
export interface DigestedBlock {
  readonly digest: Uint8Array;
  /** The Block's bytes; may be a view of shared memory, and may be reused once the call returned. */
  readonly data: Uint8Array;
  /** CRC-32 of `data`, where a worker computed it already. */
  readonly crc32?: number;
}

/** Where a Block's stored bytes lie in a local file. */
export interface BlockLocation {
  /** A file path. */
  readonly file: string;
  /** First octet of the stored bytes. */
  readonly offset: number;
  /** Octets stored. */
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: 'none' | 'zlib' | 'zstd';
}

/** Counts of what was added since a Store was opened. */
export interface AddCounts {
  readonly newBlocks: number;
  readonly newBytes: number;
  /** Octets that the new Blocks take in the Store. */
  readonly storedBytes: number;
  readonly existingBlocks: number;
  readonly existingBytes: number;
}

/** Octets of records that went over connections, retries counted. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/**
 * Small values kept beside a Store, such as what PUT saw of local files. A value becomes readable by later
 * sessions no earlier than the Blocks added before it are durable, and every value is dropped when Blocks are
 * deleted or found missing: what it promises of Blocks then no longer holds.
 */
export interface LocalCache {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Takes effect with the next flush. */
  put(key: Uint8Array, value: Uint8Array): void;
}

/** A Store within another, and what is to be told of it. */
export interface StorePart {
  /** What it is there for: `save`, `read`, … */
  readonly role: string;
  readonly store: Store;
  /** Blocks that wait in it for another Store. */
  readonly waiting?: { readonly blocks: number; readonly bytes: number };
  /** Why it is not used at present, in a sentence. */
  readonly trouble?: string;
}

/** What became of the Blocks that waited. */
export interface DrainResult {
  readonly deliveredBlocks: number;
  readonly deliveredBytes: number;
  /** Blocks that still wait. */
  readonly waitingBlocks: number;
  /** Why they do, a sentence for each Store. */
  readonly troubles: readonly string[];
}

/** Octets of a note. */
export const NOTE_SIZE = 16;

/**
 * Notes that are kept with a Store as long as nothing is removed from it: one that is there tells that all is there which was
 * there when it was made, also where the Store was put back to what it had been. From the first question on, gc frees nothing that was there.
 */
export interface StoreNotes {
  has(note: Uint8Array, options?: OpOptions): Promise<boolean>;
  /** Makes one, durable once the Store is flushed; it may be that it is not kept. */
  add(note: Uint8Array, options?: OpOptions): Promise<void>;
}

/**
 * Blocks by their hashcodes. Adding is idempotent. All of one Store's Blocks have one hash function.
 *
 * Every method rejects with a ClosedError after `[Symbol.asyncDispose]`, and with ECANCELLED once its signal fires.
 */
export interface Store extends BlockSource, AsyncDisposable {
  /** For messages, and openable again: `datadir:~/vt`. */
  readonly name: string;
  readonly hashName: HashName;
  readonly can: StoreCapabilities;
  readonly edges: EdgeSettings;

  /**
   * Adds a Block. `data` is copied, or written, before this returns control to the event loop.
   *
   * @throws {RangeError} if data exceeds MAX_BLOCK_SIZE
   * @throws {ReadOnlyError} where `can.write` is false
   */
  add(data: Uint8Array, options?: OpOptions): Promise<AddResult>;

  /**
   * Adds Blocks whose digests are known: the pipeline's way in, one await a batch.
   * Equal Blocks within one batch are stored once.
   *
   * @returns for each Block whether it was new
   */
  addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]>;

  /**
   * Where the Store keeps Blocks as records of data files: as `addBatch`, of Blocks that were made into records by the
   * pipeline's workers. The image may be a view of shared memory, and may be
   * reused once the call returned; one that is owned, once what it returned has resolved.
   *
   * @returns for each Block 1 if it was new, else 0
   */
  addRecords?(batch: RecordBatch, options?: OpOptions): Promise<Uint8Array>;

  /** Whether `addRecords` verifies what it is given, so that records may come from anywhere. */
  readonly checksRecords?: boolean | undefined;

  /**
   * Blocks as records, in the order asked for, some 1 MiB a batch; those that the Store has not, or cannot read, are left
   * out, which the digests of the batches tell: `get` tells why. Nothing is verified: whoever adds them elsewhere passes
   * them through `checkRecords` first, but where `checksRecords` says that it is done there.
   *
   * @param digests - those of the Blocks, one after the other
   * @param spans - the Blocks' sizes, where they are known: the batches are planned by them
   */
  records?(digests: Uint8Array, spans?: ArrayLike<number>, options?: OpOptions): AsyncIterable<RecordBatch>;

  /** Where it is asked over a connection: the time of one question and its answer, in milliseconds. */
  latency?(options?: OpOptions): Promise<number>;

  /** Where it lies elsewhere and keeps them: notes about it. */
  readonly notes?: StoreNotes | undefined;

  /** Where it is asked over a connection: octets of Blocks' records that went over it since it was opened. */
  traffic?(): Traffic;

  /** How Blocks are compressed in what `addRecords` takes; absent where it is. */
  readonly compression?: StoredCompression | undefined;

  /** For each hashcode whether the Store has its Block. */
  has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]>;

  /** Resolves when every earlier add is durable, by the Store's own policy. */
  flush(options?: OpOptions): Promise<void>;

  /** Counts of this session's adds. */
  counts(): AddCounts;

  /**
   * Where `can.locate`: for each digest where its Block lies, or undefined. What is read there has to be verified.
   *
   * @param spans - the Blocks' sizes, where they are known: Blocks that follow each other in this list and seem to do so
   * in a file, as their sizes add up, may then be located without being looked up one by one
   */
  locate?(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[];

  /** Where this Store stands in for another (one that is made late, a plan): that one, once it is there. */
  readonly behind?: Store | undefined;

  /** How far what is added outlives a loss of power, where the Store can tell. */
  readonly durability?: Durability | undefined;

  /** A cache that lives with the Store, where it has one. */
  readonly cache?: LocalCache | undefined;

  /** Where `can.enumerate`: every hashcode, ascending by digest. A Store may begin after a digest that is given, and need not. */
  hashcodes?(options?: OpOptions & { readonly after?: Uint8Array | undefined }): AsyncIterable<HashCode>;

  /** Where `can.archives`: the file of a named archive, which need not be there; a Store elsewhere has none. */
  archivePath?(name: string): string;

  /** Where `can.archives` and they lie elsewhere: the named archive. */
  archive?(name: string): Archive;

  /** Local folders that it keeps its data in: they are no part of what is put into it. */
  readonly folders?: readonly string[];

  /** Makes it, where it would be made by the first add. */
  make?(): Promise<void>;

  /** The Stores that it is made of. */
  parts?(options?: OpOptions): Promise<readonly StorePart[]>;

  /** Sends what waits to where it belongs. */
  drain?(options?: OpOptions): Promise<DrainResult>;
}
