import { ParseError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import { blockrefBody } from '../block/blockref.ts';
import { keepBlocks } from '../block/kept-blocks.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { leavesOf, withSpan } from '../block/tree-walk.ts';
import { decodeDir, readDir, readDirBatches } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { BlockSource, OpOptions } from '../store/store.ts';

/** A Dir of at most this many octets is decoded as a whole to find a name; a larger one is bisected leaf by leaf. */
const SMALL_DIR_SIZE = 64 * 1024;

/** Dirents of decoded Dirs and leaves that are kept, least recently used ones dropped: some 10 MB. */
const MAX_KEPT_DIRENTS = 20_000;

const NO_DIRENTS: ReadonlyMap<Octets, Dirent> = new Map();

/** Reads the entries of stored Dirs. What it decoded to find names it keeps for a while: Blocks never change. */
export class DirReader {
  readonly source: BlockSource;
  /** The same, for superblocks: the last that it gave are kept. */
  readonly superblocks: BlockSource;
  /** Gives the octets of a Block at once where it can; for those who have many requests to answer. */
  readNow: ((block: Block) => Uint8Array | undefined) | undefined;
  readonly #kept = new Map<string, ReadonlyMap<Octets, Dirent>>();
  #keptDirents = 0;

  constructor(source: BlockSource) {
    this.source = source;
    this.superblocks = keepBlocks(source);
  }

  /** The entries of a Dir, sorted by name, as its leaf Blocks arrive; nothing is kept. */
  entries(block: Block, options: OpOptions = {}): AsyncIterable<Dirent> {
    return readDir(this.source, block, options);
  }

  /** As {@link DirReader.entries}, as many at once as have arrived. */
  batches(block: Block, options: OpOptions = {}): AsyncIterable<Dirent[]> {
    return readDirBatches(this.source, block, options);
  }

  /**
   * The entry of a name, or undefined. Of a large Dir about log2 of its leaves are read.
   *
   * @throws {MissingBlockError} and {CorruptBlockError} if the Dir cannot be read
   */
  async find(block: Block, name: Octets, options: OpOptions = {}): Promise<Dirent | undefined> {
    const whole = block.span === UNKNOWN_SPAN ? await withSpan(this.source, block, options.signal) : block;
    if (whole.span === 0) return undefined;
    if (whole.span <= SMALL_DIR_SIZE) return (await this.#decoded(whole, options)).get(name);
    return await this.#bisect(whole, name, options);
  }

  /** As {@link DirReader.find}, of a Dir that {@link DirReader.decodedNow} gives; null where it has to be waited for. */
  findNow(block: Block, name: Octets): Dirent | undefined | null {
    const found = this.decodedNow(block);
    return found === undefined ? null : found.get(name);
  }

  /**
   * The entries of a Dir that was decoded lately, or can be at once, sorted by name; undefined of others.
   *
   * @param maxSize - octets of the largest Dir to be decoded; what is decoded of larger ones than those that are usual is not kept
   */
  decodedNow(block: Block, maxSize = SMALL_DIR_SIZE): ReadonlyMap<Octets, Dirent> | undefined {
    if (block.span === 0) return NO_DIRENTS;
    if (block.span === UNKNOWN_SPAN || block.span > maxSize) return undefined;
    const key = keyOf(block);
    const kept = this.#keptOf(key);
    if (kept !== undefined || this.readNow === undefined) return kept;
    const bytes = this.readNow(block);
    if (bytes === undefined) return undefined;
    try {
      return this.#keep(key, decodeDir(bytes));
    } catch (error) {
      // Whoever waits for it is told what is wrong.
      if (error instanceof VtError) return undefined;
      throw error;
    }
  }

  async #bisect(block: Block, name: Octets, options: OpOptions): Promise<Dirent | undefined> {
    let low = 0;
    let high = block.span;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const leaf = await firstOf(leavesOf(this.superblocks, block, { start: middle, end: middle + 1, ...options }));
      if (leaf === undefined) return undefined;
      const start = leaf.start - leaf.from;
      const found = await this.#leafEntries(leaf.block, options);
      const names = found === undefined ? undefined : bounds(found);
      // Edges fall between entries in all that we write; where another's do not, reading on is the way.
      if (found === undefined || names === undefined) return await this.#scan(block, name, options);
      if (name < names.first) high = start;
      else if (name > names.last) low = start + leaf.block.span;
      else return found.get(name);
    }
    return undefined;
  }

  async #leafEntries(leaf: Block, options: OpOptions): Promise<ReadonlyMap<Octets, Dirent> | undefined> {
    try {
      return await this.#decoded(leaf, options);
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  }

  async #scan(block: Block, name: Octets, options: OpOptions): Promise<Dirent | undefined> {
    for await (const dirent of this.entries(block, options)) if (dirent.name === name) return dirent;
    return undefined;
  }

  async #decoded(block: Block, options: OpOptions): Promise<ReadonlyMap<Octets, Dirent>> {
    const key = keyOf(block);
    const kept = this.#keptOf(key);
    if (kept !== undefined) return kept;
    return this.#keep(key, decodeDir(await readBlockBytes(this.source, block, options)));
  }

  #keep(key: string, dirents: readonly Dirent[]): ReadonlyMap<Octets, Dirent> {
    const found = new Map<Octets, Dirent>();
    for (const dirent of dirents) found.set(dirent.name, dirent);
    if (!this.#kept.has(key) && found.size <= MAX_KEPT_DIRENTS / 4) {
      this.#kept.set(key, found);
      this.#keptDirents += found.size;
    }
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptDirents <= MAX_KEPT_DIRENTS || oldest === key) break;
      this.#kept.delete(oldest);
      this.#keptDirents -= kept.size;
    }
    return found;
  }

  #keptOf(key: string): ReadonlyMap<Octets, Dirent> | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }
}

function keyOf(block: Block): string {
  return Buffer.from(blockrefBody(block)).toString('latin1');
}

function bounds(entries: ReadonlyMap<Octets, Dirent>): { first: Octets; last: Octets } | undefined {
  let first: Octets | undefined;
  let last: Octets | undefined;
  for (const name of entries.keys()) {
    if (first === undefined || name < first) first = name;
    if (last === undefined || name > last) last = name;
  }
  return first === undefined || last === undefined ? undefined : { first, last };
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
