import type { Archive } from '../archive/archive.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { BlockLocation } from './block-location.ts';
import type { Durability } from './durability.ts';
import type { StoreJournals } from './journals.ts';
import type { RecordBatch } from './records/record-batch.ts';
import type { StoredCompression } from './records/stored-bytes.ts';
import type { Store } from './store.ts';

/** The optional abilities of Stores, by name. Look them up with `capability(store, name)`. */
export interface Capabilities {
  readonly access: StoreAccess;
  readonly archives: StoreArchives;
  readonly cache: LocalCache;
  readonly costs: StoreCosts;
  readonly counts: CountedAdds;
  readonly durability: DurabilityPolicy;
  readonly enumeration: Enumeration;
  /** Local folders with the Store's data; put excludes them. */
  readonly folders: readonly string[];
  readonly imports: ImportMemory;
  readonly journals: StoreJournals;
  readonly link: StoreLink;
  readonly location: BlockLocator;
  readonly making: StoreMaking;
  readonly mount: ServedMount;
  readonly names: OtherNames;
  readonly notes: StoreNotes;
  readonly parts: StoreParts;
  readonly progress: ProgressCounts;
  readonly recordSink: RecordSink;
  readonly recordSource: RecordSource;
  readonly sealing: Sealing;
  readonly spool: StoreSpool;
}

export type CapabilityName = keyof Capabilities;

/** The mount whose Store is served; its tree is accessed by control requests. @see vt(7), "CONTROL CHANNEL" */
export interface ServedMount {
  /** The mount's description. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Sends a control request. The response may report an error. @throws {VtError} if there is no response */
  ask(request: Readonly<Record<string, unknown>>, options?: OpOptions): Promise<Readonly<Record<string, unknown>>>;
}

/** Access rights of a Store. Default: Blocks can be added, and are kept. */
export interface StoreAccess {
  /** Blocks can be added. */
  readonly write: boolean;
  /** If they cannot: how to change that. */
  readonly remedy?: string | undefined;
  /** It may drop Blocks to make room, as a cache does. */
  readonly drops?: boolean;
}

/** The recorded roots of trees, kept with the Store. */
export interface StoreArchives {
  /** Opens an archive, which need not exist. The caller has checked the name. */
  open(name: string, options: { readonly readOnly: boolean }): Archive;
  /** Lists their names, sorted. A Store that cannot list them has no such method, or resolves with undefined. */
  list?(options?: OpOptions): Promise<readonly string[] | undefined>;
}

/**
 * Small values kept with a Store, such as records of local files that were put. Later sessions can read a value once the Blocks added
 * before it are durable, not earlier. All values are dropped when Blocks are deleted or found missing, because they may be
 * invalid then.
 */
export interface LocalCache {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Takes effect with the next flush. */
  put(key: Uint8Array, value: Uint8Array): void;
}

/** Records of local files that were put, for a Store without a {@link LocalCache} on this machine. It has the same guarantees. */
export interface ImportMemory extends LocalCache {
  /** Validates the values; they are available from then on. From then on the Store keeps all Blocks that they refer to. */
  open(options?: OpOptions): Promise<void>;
  /** Whether so many values are unflushed that a flush is due. */
  readonly isFull: boolean;
}

/** Counts of Blocks and octets added since a Store was opened. */
export interface AddCounts {
  readonly newBlocks: number;
  readonly newBytes: number;
  /** Octets that the new Blocks take in the Store. */
  readonly storedBytes: number;
  readonly existingBlocks: number;
  readonly existingBytes: number;
}

/** A Store that counts this session's adds. */
export interface CountedAdds {
  counts(): AddCounts;
}

/** Requests and octets of bodies, as services bill them, including retries. */
export interface RequestCosts {
  readonly puts: number;
  readonly gets: number;
  readonly lists: number;
  readonly deletes: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A Store whose use costs money. */
export interface StoreCosts {
  /** The requests since it was opened. */
  costs(): RequestCosts;
  /** The approximate number of PUT requests for adding this many octets. */
  putsFor(bytes: number): number;
}

/** Whether added Blocks survive a power failure. */
export interface DurabilityPolicy {
  readonly durability: Durability;
}

/** A Store that can list its Blocks. */
export interface Enumeration {
  /** All hashcodes, ascending by digest. `after`: a Store may skip the digests up to this one, but need not. */
  hashcodes(options?: OpOptions & { readonly after?: Uint8Array | undefined }): AsyncIterable<HashCode>;
}

/** Octets of records transferred over connections, including retries. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A Store that is reached over a connection. */
export interface StoreLink {
  /** Measures the time of one request and its response, in milliseconds. */
  latency(options?: OpOptions): Promise<number>;
  /** Octets of Blocks' records transferred since it was opened. */
  traffic(): Traffic;
}

/** Finds the places of Blocks in local files, so that workers can read them. */
export interface BlockLocator {
  /**
   * Returns the location of each digest's Block, or undefined. The caller must verify the bytes that it reads there.
   *
   * @param spans - the Blocks' sizes in octets, if known. They allow to locate a sequence of Blocks that is contiguous in a file
   * without looking up each
   */
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[];
}

/** A Store that the first add creates. */
export interface StoreMaking {
  /** Whether it exists. */
  readonly isMade: boolean;
  /** Creates it now. */
  make(): Promise<void>;
}

/** The content of a reference: bytes, an encoded Dir, or one encoded Dirent that is an earlier state. */
export type NamedKind = 'bytes' | 'dir' | 'state';

/** References to a Store's contents under other hash functions, now or formerly. */
export interface OtherNames {
  /**
   * Finds the reference to the same content under another hash function.
   *
   * @param ref - a hashed Block, or an indirect one with a hashed superblock
   * @returns undefined if it was never recorded
   */
  find(kind: NamedKind, ref: Block, hashName: HashName): Block | undefined;
}

/** Size of a note in octets. */
export const NOTE_SIZE = 16;

/**
 * Notes are random values that a Store keeps until Blocks are removed from it. While a note exists, all Blocks exist that existed
 * when it was added, even if the Store was restored from an earlier copy. After the first call, gc frees no Block that existed
 * then.
 */
export interface StoreNotes {
  has(note: Uint8Array, options?: OpOptions): Promise<boolean>;
  /** Adds a note, which is durable once the Store is flushed. The Store may discard it. */
  add(note: Uint8Array, options?: OpOptions): Promise<void>;
}

/** A Store within another, with its role and state. */
export interface StorePart {
  /** Its role: `save`, `read`, … */
  readonly role: string;
  readonly store: Store;
  /** Blocks in it that wait to be sent to another Store, and their octets. */
  readonly waiting?: { readonly blocks: number; readonly bytes: number };
  /** Why it is not used at present, as a sentence. */
  readonly trouble?: string;
}

/** A Store that consists of other Stores. */
export interface StoreParts {
  parts(options?: OpOptions): Promise<readonly StorePart[]>;
}

/** Counts of Blocks added to and read from a Store since it was opened. */
export interface StoreProgress {
  /** Octets of Blocks passed to adds, new or not. */
  readonly addBytes: number;
  /** Blocks passed to adds. */
  readonly addCount: number;
  /** Octets of Blocks that were read. */
  readonly getBytes: number;
  /** Blocks that were read. */
  readonly getCount: number;
  /** Number of operations in progress. */
  readonly outstanding: number;
}

/** A Store that counts the Blocks that pass through it. */
export interface ProgressCounts {
  progress(): StoreProgress;
}

/** A Store that accepts Blocks as records of data files. */
export interface RecordSink {
  /** How to compress Blocks in these records. */
  readonly compression: StoredCompression;
  /** If it seals: the keys with which workers may seal the Blocks in their records. */
  readonly blockKeys?: BlockKeyOctets | undefined;
  /** Whether it verifies records, so that they may come from an untrusted source. */
  readonly checksRecords: boolean;

  /**
   * As `addBatch`, for records. The image may be a view of shared memory. The caller may reuse it once the call has returned;
   * an image with `isOwned` only once the returned promise has resolved.
   *
   * @returns for each Block 1 if it was new, else 0
   */
  addRecords(batch: RecordBatch, options?: OpOptions): Promise<Uint8Array>;
}

/** A Store that supplies Blocks as records of data files. */
export interface RecordSource {
  /**
   * Yields records in the order of `digests`, in batches of some 1 MiB. Blocks that the Store lacks or cannot read are left out:
   * the digests of the batches show which, and `get` gives the reason. Nothing is verified: before adding records to another
   * Store, pass them through `checkRecords`, unless that Store's `checksRecords` is true.
   *
   * @param digests - the Blocks' digests, concatenated
   * @param spans - the Blocks' sizes in octets, if known, for planning the batches
   */
  records(digests: Uint8Array, spans?: ArrayLike<number>, options?: OpOptions): AsyncIterable<RecordBatch>;
}

/** The keys for sealing Blocks, in a form for workers: 32 octets each. */
export interface BlockKeyOctets {
  /** The key that makes the name of a Block from its digest. */
  readonly names: Uint8Array;
  /** The key that makes the encryption key of a Block from its name. */
  readonly contents: Uint8Array;
}

/** How a sealed Store keeps its Blocks in another Store. */
export interface Sealing {
  /** Identifies the keys: Stores with the same id seal in the same way. */
  readonly id: string;
  /** The Store of the sealed Blocks. */
  readonly below: Store;
  /** The keys with which workers open Blocks that they read there. */
  readonly keys: BlockKeyOctets;
  /** Computes the names of Blocks there. @param digests - the Blocks' digests, concatenated @returns the names, concatenated */
  names(digests: Uint8Array): Uint8Array;
}

/** The result of sending waiting Blocks. */
export interface DrainResult {
  readonly deliveredBlocks: number;
  readonly deliveredBytes: number;
  /** Blocks that still wait. */
  readonly waitingBlocks: number;
  /** The reasons, one sentence for each Store. */
  readonly troubles: readonly string[];
}

/** A Store with Blocks that wait for another Store that failed. */
export interface StoreSpool {
  /** Sends the waiting Blocks to the Stores that they are for. */
  drain(options?: OpOptions): Promise<DrainResult>;
}
