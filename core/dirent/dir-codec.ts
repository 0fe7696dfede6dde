import { crc32 } from 'node:zlib';
import { decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import type { CopyBuffer } from '../base/copy-buffer.ts';
import { ParseError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToBytes } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { copyBufferOfBlock } from '../block/block-buffer.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { leafBlock } from '../block/block-sink.ts';
import type { BlockSource } from '../block/block-source.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { TreeCopier } from '../block/tree-copy.ts';
import { decodePythonDir, decodeRecords, NameOrder } from './dir-records.ts';
import type { Dirent } from './dirent.ts';
import { writeDirent } from './dirent-codec.ts';
import { DIRENT_MAGIC, MIN_SALT_SIZE, SALT_MAGIC, TAG } from './dirent-tags.ts';
import { startsPythonDirent } from './python-vt/dirent.ts';

// Dirs in bytes: Dirents sorted by name, in a Block tree whose edges are between Dirents. @see vt(5), "Dirs"

/** Minimum bytes of a leaf. Only the last may have fewer, and one before a large record. */
export const MIN_DIR_LEAF_SIZE = 1024;

/** A leaf ends before a record with which it would exceed this many bytes. */
export const MAX_DIR_LEAF_SIZE = 64 * 1024;

/** A leaf ends after an entry if the CRC-32 of its name has these bits 0: one in 64. */
const EDGE_MASK = 63;

/** Maximum entries of one batch. A leaf of ours has fewer. */
const MAX_BATCH = 4096;

export interface DirOptions {
  /** Bytes at the start of each leaf, at least 8. */
  readonly salt?: Uint8Array | undefined;
}

/**
 * Encodes a Dir from its entries, which must come sorted by name. Edges depend only on names and sizes nearby. So a change of one entry
 * changes its leaf and the superblocks above it.
 */
export class DirWriter {
  readonly #sink: BlockSink;
  readonly #tree: BlockTreeBuilder;
  readonly #salt: Uint8Array | undefined;
  readonly #record = new ByteWriter(512);
  readonly #leaf = new ByteWriter(4096);
  #leafIsFresh = true;
  #lastName: Octets | undefined;

  constructor(sink: BlockSink, options: DirOptions = {}) {
    this.#sink = sink;
    this.#tree = new BlockTreeBuilder(sink);
    this.#salt = options.salt;
    if (options.salt !== undefined && options.salt.length < MIN_SALT_SIZE) {
      throw new RangeError(`encode Dir: expected salt of at least ${MIN_SALT_SIZE} bytes, got ${options.salt.length}`);
    }
  }

  /** Adds the next entry. @throws {RangeError} if its name is empty or not greater than the one before; as {@link encodeDirent} */
  add(dirent: Dirent): void {
    this.#record.reset();
    writeDirent(this.#record, dirent);
    this.#addRecord(dirent.name, this.#record.view());
  }

  /**
   * Adds the next entry as an encoded record of {@link writeDirent}, without decoding it.
   *
   * @param record - the record, with length prefix, of a Dirent named `name`
   * @throws {RangeError} if `record` does not start like one of that name, or as {@link DirWriter.add}
   */
  addRecord(name: Octets, record: Uint8Array): void {
    if (!isRecordOf(name, record)) throw new RangeError(`encode Dir: expected the record of ${JSON.stringify(name)}`);
    this.#addRecord(name, record);
  }

  #addRecord(name: Octets, record: Uint8Array): void {
    if (name === '' || (this.#lastName !== undefined && name <= this.#lastName)) {
      throw new RangeError(`encode Dir: expected names ascending, got ${JSON.stringify(name)} after ${JSON.stringify(this.#lastName)}`);
    }
    this.#lastName = name;
    if (!this.#leafIsFresh && this.#leaf.length + record.length > MAX_DIR_LEAF_SIZE) this.#endLeaf();
    if (this.#leafIsFresh) this.#startLeaf();
    this.#leaf.bytes(record);
    if (this.#leaf.length >= MIN_DIR_LEAF_SIZE && (crc32(octetsToBytes(name)) & EDGE_MASK) === 0) this.#endLeaf();
  }

  /** Whether the last entry ended a leaf by its name, so that any next entry begins a leaf. */
  get isAtEdge(): boolean {
    return this.#leafIsFresh;
  }

  /** Ends the current leaf if it has no room for the next entry. @returns whether it did */
  endBefore(dirent: Dirent): boolean {
    this.#record.reset();
    writeDirent(this.#record, dirent);
    if (this.#leafIsFresh || this.#leaf.length + this.#record.length <= MAX_DIR_LEAF_SIZE) return false;
    this.#endLeaf();
    return true;
  }

  /**
   * Copies leaves of another Dir unchanged. They must begin at an edge, follow all entries so far, and have the same salt.
   *
   * @throws {RangeError} if this Dir is not at an edge; as {@link TreeCopier.copy}
   */
  async copyLeaves(from: TreeCopier, start: number, end: number): Promise<void> {
    if (start >= end) return;
    if (!this.#leafIsFresh) throw new RangeError('encode Dir: leaves can be copied only at an edge');
    await from.copy(this.#tree, start, end);
  }

  /** Returns the Block of the Dir. An empty Dir is the empty literal. */
  finish(): Block {
    if (!this.#leafIsFresh) this.#endLeaf();
    this.#lastName = undefined;
    return this.#tree.finish();
  }

  #startLeaf(): void {
    this.#leafIsFresh = false;
    if (this.#salt === undefined) return;
    this.#leaf.bsuint(1 + this.#salt.length);
    this.#leaf.octet(SALT_MAGIC);
    this.#leaf.bytes(this.#salt);
  }

  #endLeaf(): void {
    this.#tree.add(leafBlock(this.#sink, this.#leaf.view()));
    this.#leaf.reset();
    this.#leafIsFresh = true;
  }
}

/** Whether `record` has the right length and starts with the right name. */
function isRecordOf(name: Octets, record: Uint8Array): boolean {
  const { value: size, next: bodyAt } = decodeBsuint(record, 0);
  if (record.length !== bodyAt + size || record[bodyAt] !== DIRENT_MAGIC || record[bodyAt + 4] !== TAG.name) return false;
  const { value: nameSize, next: nameAt } = decodeBsuint(record, bodyAt + 5);
  return nameSize === name.length && octetsFromBytes(record.subarray(nameAt, nameAt + nameSize)) === name;
}

/** Encodes a Dir from its entries, which must be sorted by name. @see DirWriter */
export function storeDir(sink: BlockSink, entries: Iterable<Dirent>, options: DirOptions = {}): Block {
  const writer = new DirWriter(sink, options);
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

/**
 * Decodes a whole Dir, or one leaf of it: ours or the Python vt's.
 *
 * @throws {ParseError} if it is truncated, malformed, or has names out of order
 * @throws {VtError} EUNSUPPORTED for an entry of a later version
 */
export function decodeDir(data: Uint8Array): Dirent[] {
  if (startsPythonDirent(data, 0)) return decodePythonDir(data);
  const entries: Dirent[] = [];
  const end = decodeRecords(data, entries, new NameOrder(), 0);
  if (end.next !== data.length) throw new ParseError(`decode Dir: ${end.wanted} bytes wanted, ${data.length - end.next} left`, end.next);
  return entries;
}

/**
 * Reads the entries of a stored Dir, ours or the Python vt's, sorted by name. Entries are returned as its leaves arrive.
 *
 * @throws {MissingBlockError} and {CorruptBlockError} as the source
 * @throws as {@link decodeDir}
 */
export async function* readDir(source: BlockSource, block: Block, options: OpOptions = {}): AsyncGenerator<Dirent, void, undefined> {
  for await (const entries of readDirBatches(source, block, options)) yield* entries;
}

/** As {@link readDir}, but returns the entries that have arrived as arrays: one await for some hundred. */
export async function* readDirBatches(
  source: BlockSource,
  block: Block,
  options: OpOptions = {},
): AsyncGenerator<Dirent[], void, undefined> {
  await using buffer = copyBufferOfBlock(source, block, options);
  yield* decodeDirStream(buffer, options);
}

/** Decodes the entries of an encoded Dir from a stream. @throws as {@link decodeDir} */
export async function* decodeDirStream(buffer: CopyBuffer, { signal }: OpOptions = {}): AsyncGenerator<Dirent[], void, undefined> {
  if (await buffer.atEnd()) return;
  if (startsPythonDirent(buffer.view(), 0)) {
    yield decodePythonDir(await buffer.rest());
    return;
  }
  const order = new NameOrder();
  const turns = new EventTurns();
  while (await buffer.fill(1)) {
    const turn = turns.next(signal);
    if (turn !== undefined) await turn;
    const entries: Dirent[] = [];
    const { next, wanted } = decodeRecords(buffer.view(), entries, order, buffer.offset, MAX_BATCH);
    buffer.consume(next);
    if (entries.length > 0) yield entries;
    if (next === 0 && !(await buffer.fill(wanted))) {
      throw new ParseError(`decode Dir: ${wanted} bytes wanted, ${buffer.buffered} left`, buffer.offset);
    }
  }
}
