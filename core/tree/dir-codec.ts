import { crc32 } from 'node:zlib';
import { ByteWriter } from '../base/byte-writer.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToBytes } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { leafBlock } from '../block/block-sink.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { Dirent } from './dirent.ts';
import { writeDirent } from './dirent-codec.ts';
import { MIN_SALT_SIZE, SALT_MAGIC } from './dirent-tags.ts';

// Dirs in bytes: Dirents sorted by name, in a Block tree whose edges fall between them. @see vt(5), "Dirs"

export { decodeDir, readDir, readDirBatches } from './dir-decode.ts';

/** A leaf does not end before it has this many octets. */
export const MIN_DIR_LEAF_SIZE = 1024;

/** A leaf ends before a record that would take it past this many octets. */
export const MAX_DIR_LEAF_SIZE = 64 * 1024;

/** A leaf ends after an entry whose name has these bits 0 in its CRC-32: every 64th. */
const EDGE_MASK = 63;

export interface DirOptions {
  /** Stands at the start of each leaf Block; at least 8 octets. */
  readonly salt?: Uint8Array | undefined;
}

/**
 * Encodes a Dir from its entries, as they come, sorted. Edges depend on the names alone, and on sizes near them, so
 * that a change of one entry rewrites the leaf it stands in and the superblocks above.
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
      throw new RangeError(`encode Dir: expected salt of at least ${MIN_SALT_SIZE} octets, got ${options.salt.length}`);
    }
  }

  /** Adds the next entry. @throws {RangeError} if its name is empty or not above that of the last */
  add(dirent: Dirent): void {
    const { name } = dirent;
    if (name === '' || (this.#lastName !== undefined && name <= this.#lastName)) {
      throw new RangeError(`encode Dir: expected names ascending, got ${JSON.stringify(name)} after ${JSON.stringify(this.#lastName)}`);
    }
    this.#record.reset();
    writeDirent(this.#record, dirent);
    this.#lastName = name;
    if (!this.#leafIsFresh && this.#leaf.length + this.#record.length > MAX_DIR_LEAF_SIZE) this.#endLeaf();
    if (this.#leafIsFresh) this.#startLeaf();
    this.#leaf.bytes(this.#record.view());
    if (this.#leaf.length >= MIN_DIR_LEAF_SIZE && (crc32(octetsToBytes(name)) & EDGE_MASK) === 0) this.#endLeaf();
  }

  /** The Block of the Dir; of an empty one the empty literal. */
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

/** Encodes a Dir from its entries, sorted by name. @see DirWriter */
export function storeDir(sink: BlockSink, entries: Iterable<Dirent>, options: DirOptions = {}): Block {
  const writer = new DirWriter(sink, options);
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}
