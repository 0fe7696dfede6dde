import type { SharedMemory } from '../../base/system/shared-memory.ts';
import { errorReason } from '../../base/system/system-error.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import type { BlockKeyOctets } from '../../store/capabilities.ts';
import type { StoredCompression } from '../../store/records/stored-bytes.ts';
import type { SliceScan } from '../edge-kernel.ts';
import type { ContentHint } from '../parser.ts';
import type { SlotLayout } from './slots.ts';

// What the pipeline and its workers say to each other. Content stays in the shared memory: only places and digests travel.

/** What a worker is started with. */
export interface WorkerSetup {
  readonly memory: SharedMemory;
  readonly layout: SlotLayout;
  readonly edges: EdgeSettings;
  readonly hashName: HashName;
  readonly compression: StoredCompression;
  /** The leaves are sealed by these in their records. */
  readonly blockKeys: BlockKeyOctets | undefined;
  /** The parser that somebody asks for, for all contents; `none` for none. */
  readonly parser: string | undefined;
  /** Whose scratch memory is its own: 0 is the main thread. */
  readonly thread: number;
}

/** Read a slice of a file into a slot and find where Blocks may end. */
export interface ScanJob {
  readonly kind: 'scan';
  readonly slot: number;
  /** An open file, or undefined where the data is in the slot already, with its context before it. */
  readonly fd: number | undefined;
  /** Where the slice begins in the file. */
  readonly offset: number;
  /** Bytes of the slice, up to SLOT_DATA_SIZE. */
  readonly length: number;
  /** Bytes before the slice that the kernel takes into account, 0..KERNEL_CONTEXT. */
  readonly context: number;
}

export interface ScanResult {
  /** Bytes there were: fewer than asked for at the end of the file. */
  readonly length: number;
  readonly scan: SliceScan;
}

/**
 * Parse a slice that is scanned, or a hole. All of a content's slices are parsed by one thread, in order, where its parser's
 * state is; the last job says `end`, which forgets it.
 */
export interface ParseJob {
  readonly kind: 'parse';
  /** Number of the content, among all of the ingest. */
  readonly content: number;
  /** The parser's name in the table. */
  readonly parser: string;
  readonly part: 'slice' | 'hole' | 'end';
  /** Where a slice is. */
  readonly slot: number;
  /** Bytes of the slice or hole. */
  readonly length: number;
}

/** Hash parts of a slot. */
export interface HashJob {
  readonly kind: 'hash';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** Pairs: first byte, and the one past the last, in the shared memory. */
  readonly ranges: Uint32Array;
}

/** What leaves are, one after the other. */
export interface LeafTable {
  /** LEAF_HASHED, LEAF_RUN or LEAF_LITERAL for each. */
  readonly kinds: Uint8Array;
  /** Of those that are hashed, in order: `digestSize` bytes each. */
  readonly digests: Uint8Array;
  /** Bytes of each of those, as it is and as it is stored, and the number of its codec. */
  readonly sizes: Uint32Array;
  readonly storedSizes: Uint32Array;
  readonly codecs: Uint8Array;
  /** The names of those that are sealed in their records. */
  readonly names?: Uint8Array;
  /** Where their records are in the shared memory, one after the other: in the slot; of no bytes where none were made. */
  readonly imageAt: number;
  readonly imageSize: number;
}

/** Read whole small files into one slot, cut and hash them. */
export interface SmallJob {
  readonly kind: 'small';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** The open directory of each file: all threads share descriptors. */
  readonly dirs: Int32Array;
  /** Names in bytes, each with a NUL behind it: one string travels faster than many. */
  readonly names: string;
  /** As the files were seen: SIGNATURE_LENGTH numbers each. */
  readonly signatures: BigInt64Array;
}

/** Cut and hash whole small contents that are in one slot, from its first byte on, one behind the other. */
export interface ContentsJob {
  readonly kind: 'contents';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** Bytes of each content. */
  readonly sizes: Uint32Array;
  /** What is known of each. */
  readonly hints: readonly ContentHint[];
}

export interface ContentsResult extends LeafTable {
  /** Leaves of each content. */
  readonly counts: Uint32Array;
  /** Pairs for each leaf: first byte, and the one past the last, in the shared memory. */
  readonly ranges: Uint32Array;
}

export interface SmallResult extends ContentsResult {
  /** When the first was opened: milliseconds since 1970. */
  readonly readAtMs: number;
  /** What is to say of some files, ascending by file. */
  readonly notes: readonly SmallNote[];
}

/** Metadata of a file that changed since it was seen. */
export type ChangedStat = Pick<
  import('node:fs').BigIntStats,
  'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs' | 'mode' | 'uid' | 'gid' | 'nlink'
>;

export type SmallNote =
  | { readonly file: number; readonly kind: 'failed'; readonly error: PlainError }
  /** It grew beyond its room in the slot: to be read as a large file. */
  | { readonly file: number; readonly kind: 'grew' }
  /** It changed; `isStable` if what was read is one state of it. */
  | { readonly file: number; readonly kind: 'changed'; readonly stat: ChangedStat; readonly isStable: boolean }
  | { readonly file: number; readonly kind: 'xattrs'; readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[] }
  | { readonly file: number; readonly kind: 'xattr-failed'; readonly error: PlainError };

/** An error as it travels. */
export interface PlainError {
  readonly message: string;
  readonly code: string | undefined;
}

export type Job = ScanJob | HashJob | SmallJob | ContentsJob | ParseJob;
export type JobResult = ScanResult | LeafTable | ContentsResult | SmallResult | readonly number[];

/** What comes back. */
export type JobReply = { readonly result: JobResult } | { readonly error: PlainError };

/** An error for travelling. */
export function plainError(error: unknown): PlainError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { message: errorReason(error), code };
}

/** An error that travelled. */
export function revivedError({ message, code }: PlainError): Error {
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}
