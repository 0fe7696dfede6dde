import type { SharedMemory } from '../../base/system/shared-memory.ts';
import { errorReason } from '../../base/system/system-error.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import type { BlockKeyOctets } from '../../store/capabilities.ts';
import type { StoredCompression } from '../../store/records/stored-bytes.ts';
import type { SliceScan } from '../edge-kernel.ts';
import type { ContentHint } from '../parser.ts';
import type { SlotLayout } from './slots.ts';

// The messages between the ingest and its workers. Contents stay in shared memory; messages have only offsets and digests.

/** The setup of a worker. */
export interface WorkerSetup {
  readonly memory: SharedMemory;
  readonly layout: SlotLayout;
  readonly edges: EdgeSettings;
  readonly hashName: HashName;
  readonly compression: StoredCompression;
  /** The keys by which leaves are sealed in their records, if they are. */
  readonly blockKeys: BlockKeyOctets | undefined;
  /** The requested parser for all contents; `none` for no parser; undefined to choose one for each. */
  readonly parser: string | undefined;
  /** The number of the thread, which selects its scratch memory; 0 is the main thread. */
  readonly thread: number;
}

/** Reads a slice of a file into a slot, and scans it for edges. */
export interface ScanJob {
  readonly kind: 'scan';
  readonly slot: number;
  /** An open file; undefined if the data, and its context before it, are already in the slot. */
  readonly fd: number | undefined;
  /** The offset of the slice in the file. */
  readonly offset: number;
  /** Bytes of the slice, up to SLOT_DATA_SIZE. */
  readonly length: number;
  /** Bytes before the slice that the kernel takes into account, 0..KERNEL_CONTEXT. */
  readonly context: number;
}

export interface ScanResult {
  /** Bytes read; fewer than requested at the end of the file. */
  readonly length: number;
  readonly scan: SliceScan;
}

/**
 * Parses a scanned slice, or a hole. One thread has the state of a content's parser, and parses all its slices in order. The last job,
 * `end`, drops the state.
 */
export interface ParseJob {
  readonly kind: 'parse';
  /** The number of the content, unique within the ingest. */
  readonly content: number;
  /** The parser's name in the table. */
  readonly parser: string;
  readonly part: 'slice' | 'hole' | 'end';
  /** The slot of a slice. */
  readonly slot: number;
  /** Bytes of the slice or hole. */
  readonly length: number;
}

/** Hashes parts of a slot. */
export interface HashJob {
  readonly kind: 'hash';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** Pairs: first byte, and the one past the last, in the shared memory. */
  readonly ranges: Uint32Array;
}

/** A list of leaves, in columns. */
export interface LeafTable {
  /** LEAF_HASHED, LEAF_RUN or LEAF_LITERAL for each. */
  readonly kinds: Uint8Array;
  /** The digests of hashed leaves, in order, `digestSize` bytes each. */
  readonly digests: Uint8Array;
  /** For each hashed leaf: its bytes, its bytes as stored, and the number of its codec. */
  readonly sizes: Uint32Array;
  readonly storedSizes: Uint32Array;
  readonly codecs: Uint8Array;
  /** The names of hashed leaves that are sealed in their records. */
  readonly names?: Uint8Array;
  /** Offset in the shared memory of their contiguous records, and their size; 0 if no records were made. */
  readonly imageAt: number;
  readonly imageSize: number;
}

/** Reads small files into one slot, and cuts and hashes them. */
export interface SmallJob {
  readonly kind: 'small';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** The open directory of each file: all threads share descriptors. */
  readonly dirs: Int32Array;
  /** The names in bytes, each followed by a NUL. One string is transferred faster than many. */
  readonly names: string;
  /** The known signatures of the files, SIGNATURE_LENGTH numbers each. */
  readonly signatures: BigInt64Array;
}

/** Cuts and hashes small contents, which are contiguous in one slot from its first byte on. */
export interface ContentsJob {
  readonly kind: 'contents';
  readonly slot: number;
  /** Make records of the leaves. */
  readonly pack: boolean;
  /** Bytes of each content. */
  readonly sizes: Uint32Array;
  /** The hint of each content. */
  readonly hints: readonly ContentHint[];
}

export interface ContentsResult extends LeafTable {
  /** The number of leaves of each content. */
  readonly counts: Uint32Array;
  /** Pairs for each leaf: first byte, and the one past the last, in the shared memory. */
  readonly ranges: Uint32Array;
}

export interface SmallResult extends ContentsResult {
  /** When the first file was opened, in milliseconds since 1970. */
  readonly readAtMs: number;
  /** Notes about some of the files, ascending by file. */
  readonly notes: readonly SmallNote[];
}

/** The status of a file that has changed. */
export type ChangedStat = Pick<
  import('node:fs').BigIntStats,
  'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs' | 'mode' | 'uid' | 'gid' | 'nlink'
>;

export type SmallNote =
  | { readonly file: number; readonly kind: 'failed'; readonly error: PlainError }
  /** It has grown beyond its room in the slot, and must be read as a large file. */
  | { readonly file: number; readonly kind: 'grew' }
  /** It has changed. `isStable` says whether the bytes read are one state of it. */
  | { readonly file: number; readonly kind: 'changed'; readonly stat: ChangedStat; readonly isStable: boolean }
  | { readonly file: number; readonly kind: 'xattrs'; readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[] }
  | { readonly file: number; readonly kind: 'xattr-failed'; readonly error: PlainError };

/** An error in the form of a message. */
export interface PlainError {
  readonly message: string;
  readonly code: string | undefined;
}

export type Job = ScanJob | HashJob | SmallJob | ContentsJob | ParseJob;
export type JobResult = ScanResult | LeafTable | ContentsResult | SmallResult | readonly number[];

/** The reply to a job. */
export type JobReply = { readonly result: JobResult } | { readonly error: PlainError };

/** Converts an error for a message. */
export function plainError(error: unknown): PlainError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { message: errorReason(error), code };
}

/** Converts an error of a message back. */
export function revivedError({ message, code }: PlainError): Error {
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}
