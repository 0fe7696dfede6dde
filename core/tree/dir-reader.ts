import { ParseError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { RecentMap } from '../base/recent-map.ts';
import type { Block, IndirectBlock } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { blockrefBody } from '../block/blockref.ts';
import { keepBlocks } from '../block/kept-blocks.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { leavesOf, MAX_TREE_DEPTH, readSuperblock, withSpan } from '../block/tree-walk.ts';
import { decodeDir, readDir, readDirBatches } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';

/** Octets of a leaf of a large Dir that is decoded as a whole; those that we write have 32 KiB at most. */
const MAX_LEAF_SIZE = 1024 * 1024;
/** A Dir of at most this many octets is decoded as a whole to find a name; a larger one is bisected leaf by leaf. */
const SMALL_DIR_SIZE = 64 * 1024;

/** Dirents of decoded Dirs and leaves that are kept, least recently used ones dropped: some 10 MB. */
const MAX_KEPT_DIRENTS = 20_000;

/** Superblocks whose references are kept decoded: of some large Dirs. */
const MAX_KEPT_SUPERBLOCKS = 256;

const NO_DIRENTS: ReadonlyMap<Octets, Dirent> = new Map();

/** What was decoded of a Dir, or of a leaf of one. */
interface DecodedPart {
  readonly dirents: ReadonlyMap<Octets, Dirent>;
  /** The least and the greatest name; undefined where there is none. */
  readonly first: Octets | undefined;
  readonly last: Octets | undefined;
}

/** A leaf, and the octet of the whole at which it starts. */
interface LeafAt {
  readonly block: Block;
  readonly start: number;
}

/** Reads the entries of stored Dirs. What it decoded to find names it keeps for a while: Blocks never change. */
export class DirReader {
  readonly source: BlockSource;
  /** The same, for superblocks: the last that it gave are kept. */
  readonly superblocks: BlockSource;
  /** Gives the octets of a Block at once where it can; for those who have many requests to answer. */
  readNow: ((block: Block) => Uint8Array | undefined) | undefined;
  readonly #kept = new RecentMap<string, DecodedPart>({
    maxSize: MAX_KEPT_DIRENTS,
    sizeOf: ({ dirents }) => Math.max(1, dirents.size),
  });
  /** The names under which Blocks are kept, which are long to make. */
  readonly #keys = new WeakMap<Block, string>();
  readonly #keptRefs = new RecentMap<string, readonly Block[]>({ maxSize: MAX_KEPT_SUPERBLOCKS });

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
    if (whole.span <= SMALL_DIR_SIZE) return (await this.#decoded(whole, options)).dirents.get(name);
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
    const key = this.#keyOf(block);
    const kept = this.#kept.get(key);
    if (kept !== undefined || this.readNow === undefined) return kept?.dirents;
    const bytes = this.readNow(block);
    if (bytes === undefined) return undefined;
    try {
      return this.#keep(key, decodeDir(bytes)).dirents;
    } catch (error) {
      // The caller that waits for it gets the error.
      if (error instanceof VtError) return undefined;
      throw error;
    }
  }

  async #bisect(block: Block, name: Octets, options: OpOptions): Promise<Dirent | undefined> {
    let low = 0;
    let high = block.span;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const leaf = (await this.#keptLeafAt(block, middle, options)) ?? (await this.#leafAt(block, middle, options));
      if (leaf === undefined) return undefined;
      const found = await this.#leafEntries(leaf.block, options);
      // Edges fall between entries in all that we write; where another's do not, reading on is the way.
      if (found?.first === undefined || found.last === undefined) return await this.#scan(block, name, options);
      if (name < found.first) high = leaf.start;
      else if (name > found.last) low = leaf.start + leaf.block.span;
      else return found.dirents.get(name);
    }
    return undefined;
  }

  async #leafAt(block: Block, offset: number, options: OpOptions): Promise<LeafAt | undefined> {
    const leaf = await firstOf(leavesOf(this.superblocks, block, { start: offset, end: offset + 1, ...options }));
    return leaf === undefined ? undefined : { block: leaf.block, start: leaf.start - leaf.from };
  }

  /**
   * As `#leafAt`, by the references of superblocks as they were decoded lately, for who looks for one name after the other. Undefined
   * where a tree is not as those that we write: `leavesOf` knows what to do, or what to say.
   */
  async #keptLeafAt(top: Block, offset: number, { signal }: OpOptions): Promise<LeafAt | undefined> {
    let block = top;
    let start = 0;
    for (let depth = 0; block.kind === 'indirect'; depth++) {
      const refs = depth < MAX_TREE_DEPTH ? await this.#refsOf(block, signal) : undefined;
      if (refs === undefined) return undefined;
      let i = 0;
      for (let span = refs[i]?.span ?? 0; i < refs.length && start + span <= offset; span = refs[++i]?.span ?? 0) start += span;
      const next = refs[i];
      if (next === undefined) return undefined;
      block = next;
    }
    return block.kind === 'sub' ? undefined : { block, start };
  }

  async #refsOf(block: IndirectBlock, signal: AbortSignal | undefined): Promise<readonly Block[] | undefined> {
    const key = this.#keyOf(block);
    const kept = this.#keptRefs.get(key);
    if (kept !== undefined) return kept;
    const refs = await readSuperblock(this.superblocks, block, signal);
    if (refs.reduce((sum, ref) => sum + ref.span, 0) !== block.span) return undefined;
    this.#keptRefs.set(key, refs);
    return refs;
  }

  async #leafEntries(leaf: Block, options: OpOptions): Promise<DecodedPart | undefined> {
    // All in it at once would keep others waiting, at each name that is looked for.
    if (leaf.span > MAX_LEAF_SIZE) return undefined;
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

  async #decoded(block: Block, options: OpOptions): Promise<DecodedPart> {
    const key = this.#keyOf(block);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    return this.#keep(key, decodeDir(await readBlockBytes(this.source, block, options)));
  }

  #keep(key: string, dirents: readonly Dirent[]): DecodedPart {
    const found = partOf(dirents);
    if (!this.#kept.has(key) && found.dirents.size <= MAX_KEPT_DIRENTS / 4) this.#kept.set(key, found);
    return found;
  }

  #keyOf(block: Block): string {
    let key = this.#keys.get(block);
    if (key === undefined) {
      key = Buffer.from(blockrefBody(block)).toString('latin1');
      this.#keys.set(block, key);
    }
    return key;
  }
}

function partOf(list: readonly Dirent[]): DecodedPart {
  const dirents = new Map<Octets, Dirent>();
  let first: Octets | undefined;
  let last: Octets | undefined;
  for (const dirent of list) {
    const { name } = dirent;
    dirents.set(name, dirent);
    if (first === undefined || name < first) first = name;
    if (last === undefined || name > last) last = name;
  }
  return { dirents, first, last };
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
