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

/** Everything that some Stores can do and others cannot, each by its name. Found by `capability(store, name)`. */
export interface Capabilities {
  readonly access: StoreAccess;
  readonly archives: StoreArchives;
  readonly cache: LocalCache;
  readonly costs: StoreCosts;
  readonly counts: CountedAdds;
  readonly durability: DurabilityPolicy;
  readonly enumeration: Enumeration;
  /** Local folders in which the Store keeps its data: they are no part of what is put into it. */
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

/** The mount whose Store is served: its tree, by the requests of its control channel. @see vt(7), "CONTROL CHANNEL" */
export interface ServedMount {
  /** What the mount says of itself. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Sends a request. The answer may report an error. @throws {VtError} without an answer */
  ask(request: Readonly<Record<string, unknown>>, options?: OpOptions): Promise<Readonly<Record<string, unknown>>>;
}

/** What may be done with a Store. Without it: Blocks can be added, and are kept. */
export interface StoreAccess {
  /** Blocks can be added. */
  readonly write: boolean;
  /** Where they cannot: what would change that. */
  readonly remedy?: string | undefined;
  /** It may drop Blocks to make room: a cache, and no place to keep them. */
  readonly drops?: boolean;
}

/** The recorded roots of trees, kept with the Store. */
export interface StoreArchives {
  /** The archive of a name, which need not be there. The name has been checked. */
  open(name: string, options: { readonly readOnly: boolean }): Archive;
  /** Their names, in order. A Store that does not know them has no such call, or gives undefined. */
  list?(options?: OpOptions): Promise<readonly string[] | undefined>;
}

/**
 * Small values kept beside a Store, such as what PUT saw of local files. Later sessions can read a value once the Blocks added
 * before it are durable, not earlier. All values are dropped when Blocks are deleted or found missing, as their promises no
 * longer hold.
 */
export interface LocalCache {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Takes effect with the next flush. */
  put(key: Uint8Array, value: Uint8Array): void;
}

/** What PUT saw of local files, for a Store that keeps no {@link LocalCache} on this machine. The same holds of its values. */
export interface ImportMemory extends LocalCache {
  /** Finds out what holds: from now on the Store keeps every Block that values promise. Nothing is there before. */
  open(options?: OpOptions): Promise<void>;
  /** Much waits for a flush. */
  readonly isFull: boolean;
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

/** Counts of this session's adds. */
export interface CountedAdds {
  counts(): AddCounts;
}

/** Requests and octets of bodies, as services bill them; retries are counted. */
export interface RequestCosts {
  readonly puts: number;
  readonly gets: number;
  readonly lists: number;
  readonly deletes: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What the use of a Store costs. */
export interface StoreCosts {
  /** Since it was opened. */
  costs(): RequestCosts;
  /** How many PUTs it takes to add so many octets, about. */
  putsFor(bytes: number): number;
}

/** How far what is added outlives a loss of power. */
export interface DurabilityPolicy {
  readonly durability: Durability;
}

/** Lists what is there. */
export interface Enumeration {
  /** Every hashcode, ascending by digest. A Store may begin after a digest that is given, and need not. */
  hashcodes(options?: OpOptions & { readonly after?: Uint8Array | undefined }): AsyncIterable<HashCode>;
}

/** Octets of records transferred over connections, including retries. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The connection to a Store. */
export interface StoreLink {
  /** The time of one question and its answer, in milliseconds. */
  latency(options?: OpOptions): Promise<number>;
  /** Octets of Blocks' records transferred since it was opened. */
  traffic(): Traffic;
}

/** Tells where Blocks lie in local files, so that workers may read them. */
export interface BlockLocator {
  /**
   * The location of each digest's Block, or undefined. The caller must verify the bytes read there.
   *
   * @param spans - the Blocks' sizes, where they are known. Blocks that follow each other in this list, and by their sizes
   * do so in a file, may then be located without being looked up one by one
   */
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[];
}

/** A Store that is made by the first add. */
export interface StoreMaking {
  /** Whether it is there. */
  readonly isMade: boolean;
  /** Makes it now. */
  make(): Promise<void>;
}

/** The kind of thing a reference names: bytes, an encoded Dir, or one encoded Dirent that is an earlier state. */
export type NamedKind = 'bytes' | 'dir' | 'state';

/** What the Blocks of a Store are, or were, under other hash functions. */
export interface OtherNames {
  /**
   * The reference to the same under another hash function.
   *
   * @param ref - a hashed Block, or an indirect one whose superblock is
   * @returns undefined where it was never recorded
   */
  find(kind: NamedKind, ref: Block, hashName: HashName): Block | undefined;
}

/** Octets of a note. */
export const NOTE_SIZE = 16;

/**
 * Notes that are kept with a Store as long as nothing is removed from it. While a note is there, all Blocks are there that were
 * there when it was made. That holds also where the Store was put back to an earlier copy. From the first question on, gc frees
 * nothing that was there.
 */
export interface StoreNotes {
  has(note: Uint8Array, options?: OpOptions): Promise<boolean>;
  /** Makes one, durable once the Store is flushed; it may be that it is not kept. */
  add(note: Uint8Array, options?: OpOptions): Promise<void>;
}

/** A Store within another, with its role and state. */
export interface StorePart {
  /** What it is there for: `save`, `read`, … */
  readonly role: string;
  readonly store: Store;
  /** Blocks that wait in it for another Store. */
  readonly waiting?: { readonly blocks: number; readonly bytes: number };
  /** Why it is not used at present, in a sentence. */
  readonly trouble?: string;
}

/** The Stores that a Store is made of. */
export interface StoreParts {
  parts(options?: OpOptions): Promise<readonly StorePart[]>;
}

/** Counts of Blocks added to and read from a Store since it was opened. */
export interface StoreProgress {
  /** Octets of Blocks handed over to be added, new or not. */
  readonly addBytes: number;
  /** Blocks handed over to be added. */
  readonly addCount: number;
  /** Octets of Blocks that it gave. */
  readonly getBytes: number;
  /** Blocks that it gave. */
  readonly getCount: number;
  /** Operations in progress. */
  readonly outstanding: number;
}

/** Counts of what goes through a Store. */
export interface ProgressCounts {
  progress(): StoreProgress;
}

/** Takes Blocks as records of data files. */
export interface RecordSink {
  /** How Blocks are compressed in the records that it takes. */
  readonly compression: StoredCompression;
  /** Where it seals: with these keys workers may do so, in the records that they make. */
  readonly blockKeys?: BlockKeyOctets | undefined;
  /** Whether it verifies what it is given, so that records may come from anywhere. */
  readonly checksRecords: boolean;

  /**
   * As `addBatch`, of Blocks that were made into records by the pipeline's workers. The image may be a view of shared
   * memory, and may be reused once the call returned; one that is owned, once what it returned has resolved.
   *
   * @returns for each Block 1 if it was new, else 0
   */
  addRecords(batch: RecordBatch, options?: OpOptions): Promise<Uint8Array>;
}

/** Gives Blocks as records of data files. */
export interface RecordSource {
  /**
   * Blocks as records, in the order asked for, some 1 MiB a batch. Those that the Store lacks, or cannot read, are left
   * out: the digests of the batches show which, and `get` gives the reason. Nothing is verified: before adding them to another
   * Store, pass them through `checkRecords`, unless its `checksRecords` says that it checks them itself.
   *
   * @param digests - the Blocks' digests, concatenated
   * @param spans - the Blocks' sizes, where they are known: the batches are planned by them
   */
  records(digests: Uint8Array, spans?: ArrayLike<number>, options?: OpOptions): AsyncIterable<RecordBatch>;
}

/** The keys by which Blocks are sealed, as they go to workers: 32 octets each. */
export interface BlockKeyOctets {
  /** From the digest of a Block to its name. */
  readonly names: Uint8Array;
  /** From the name of a Block to the key of its bytes. */
  readonly contents: Uint8Array;
}

/** How a Store that is sealed keeps its Blocks in another. */
export interface Sealing {
  /** Stores that seal alike have the same. */
  readonly id: string;
  /** The Store that holds what is sealed. */
  readonly below: Store;
  /** With these workers open what they read there. */
  readonly keys: BlockKeyOctets;
  /** The names that Blocks have there. @param digests - the Blocks' digests, concatenated */
  names(digests: Uint8Array): Uint8Array;
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

/** Blocks that wait for a Store that failed. */
export interface StoreSpool {
  /** Sends what waits to where it belongs. */
  drain(options?: OpOptions): Promise<DrainResult>;
}
