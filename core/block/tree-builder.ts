import { crc32 } from 'node:zlib';
import { ByteWriter } from '../base/byte-writer.ts';
import type { Block, IndirectBlock, RunBlock } from './block.ts';
import { EMPTY_BLOCK, MAX_LITERAL_SIZE, UNKNOWN_SPAN } from './block.ts';
import type { BlockSink } from './block-sink.ts';
import { writeBlockref, writeHashedRef } from './blockref.ts';
import { hashByName } from './hash.ts';

// Where superblocks end. The rule looks only at the references of the group at hand, so that an edit of one leaf
// rewrites the superblocks above it and no others. @see vt(5), "Block trees"

/** A superblock has at least this many references, but for the last of its level. */
export const MIN_REFS = 16;

/** A superblock has at most this many references. */
export const MAX_REFS = 1024;

/** A superblock ends with the reference that takes it to this many bytes. */
export const MAX_REFS_SIZE = 64 * 1024;

/**
 * From MIN_REFS on a superblock ends after a reference whose check has these bits 0: every 16th, so it has 31 references
 * on average. The new superblocks of seven more versions of 128 MiB (448 edits, Blocks of 8 KiB) took 0.73 MB. With a
 * minimum of 8 they took 1.03 MB at every 32nd, and 1.59 MB at every 64th.
 */
const CUT_MASK = 15;

/** A longer reference is refused: groups of them could not shrink level by level. */
const MAX_REF_SIZE = 4096;

/** Most contents have few leaves: 4,096 bytes of memory for each would keep the garbage collector busy. */
const INITIAL_LEVEL_SIZE = 256;

interface Level {
  readonly writer: ByteWriter;
  count: number;
  span: number;
  /** The only reference of a group of one, which passes to the next level as it is. */
  only: Block | undefined;
}

/**
 * Builds the Block of a content from its leaves, as they come: superblocks are put into the sink when they are full,
 * so memory is bounded by the depth. The same leaves give the same Block, whatever their route.
 */
export class BlockTreeBuilder {
  readonly #sink: BlockSink;
  #levels: Level[] = [];
  /** Levels of the last tree, whose memory serves again: a tree of small files is some 10,000 trees of Blocks. */
  #spare: Level[] = [];
  #run: RunBlock | undefined;
  #span = 0;

  constructor(sink: BlockSink) {
    this.#sink = sink;
  }

  /** Bytes of content so far. */
  get span(): number {
    return this.#span;
  }

  /**
   * Adds the next leaf. Neighbouring runs of one byte become one; leaves of no bytes are dropped.
   *
   * @throws {RangeError} if its span is unknown, its reference is longer than 4096 bytes, or all exceed 2^53-1
   */
  add(leaf: Block): void {
    if (leaf.span === UNKNOWN_SPAN) throw new RangeError('build Block tree: expected a leaf of known span');
    if (leaf.span === 0) return;
    this.#count(leaf.span);
    const run = this.#run;
    if (leaf.kind === 'run') {
      if (run === undefined) this.#run = leaf;
      else if (run.octet === leaf.octet) this.#run = { kind: 'run', span: run.span + leaf.span, octet: run.octet };
      else {
        this.#push(0, run);
        this.#run = leaf;
      }
      return;
    }
    if (run !== undefined) {
      this.#run = undefined;
      this.#push(0, run);
    }
    this.#push(0, leaf);
  }

  /**
   * Adds a leaf that is stored: as `add` of its HashBlock, without an object for it.
   *
   * @param span - bytes of the leaf, 1 or more
   * @param digests - hold its digest, of the sink's hash function
   * @param at - where it begins there
   */
  addHashed(span: number, digests: Uint8Array, at: number): void {
    const run = this.#run;
    if (run !== undefined) {
      this.#run = undefined;
      this.#push(0, run);
    }
    this.#count(span);
    const { hashName } = this.#sink;
    const { digestSize, enumeration } = hashByName(hashName);
    const end = at + digestSize;
    const level = this.#level(0);
    writeHashedRef(level.writer, span, enumeration, digests, at, end);
    level.count++;
    level.span += span;
    level.only = level.count === 1 ? { kind: 'hash', span, hashcode: { hashName, digest: digests.slice(at, end) } } : undefined;
    if (level.count < MIN_REFS) return;
    if (level.count >= MAX_REFS || level.writer.length >= MAX_REFS_SIZE || ((digests[end - 1] as number) & CUT_MASK) === 0) this.#close(0);
  }

  /**
   * Whether a superblock of this height may be added as it is: nothing waits on the levels below.
   *
   * @param height - levels of superblocks in it, 1 or more
   */
  takesSuperblock(height: number): boolean {
    if (this.#run !== undefined) return false;
    for (let depth = 0; depth < height; depth++) if ((this.#levels[depth]?.count ?? 0) > 0) return false;
    return true;
  }

  /**
   * Adds all leaves below a superblock of another tree that this class built, without reading them. It gives the same tree
   * as adding them one by one if the superblock is not the last of its level there, or nothing comes after it here.
   *
   * @param height - levels of superblocks in it, 1 or more
   * @throws {RangeError} where `takesSuperblock(height)` is false, or as {@link BlockTreeBuilder.add}
   */
  addSuperblock(block: IndirectBlock, height: number): void {
    if (!this.takesSuperblock(height)) throw new RangeError(`build Block tree: a superblock of height ${height} where leaves wait`);
    if (block.span === UNKNOWN_SPAN) throw new RangeError('build Block tree: expected a superblock of known span');
    this.#count(block.span);
    for (let depth = 0; depth < height; depth++) this.#level(depth);
    this.#push(height, block);
  }

  /** Another builder that has the same leaves so far; what is added to one is unknown to the other. Costs what waits on the levels. */
  fork(): BlockTreeBuilder {
    const copy = new BlockTreeBuilder(this.#sink);
    copy.#run = this.#run;
    copy.#span = this.#span;
    copy.#levels = this.#levels.map(({ writer, count, span, only }) => {
      const forked = new ByteWriter(Math.max(INITIAL_LEVEL_SIZE, writer.length));
      forked.bytes(writer.view());
      return { writer: forked, count, span, only };
    });
    return copy;
  }

  /** The Block of all leaves. The builder is empty afterwards. */
  finish(): Block {
    if (this.#run !== undefined) this.#push(0, this.#run);
    this.#run = undefined;
    let top: Block = EMPTY_BLOCK;
    // Levels may grow while the lower ones are closed, so this is no for-of.
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const level = this.#level(depth);
      const isTop = depth === this.#levels.length - 1;
      if (isTop && level.only !== undefined) top = level.only;
      else if (level.count > 0) this.#close(depth);
    }
    for (const level of this.#levels) empty(level);
    this.#spare = this.#levels;
    this.#levels = [];
    this.#span = 0;
    return top;
  }

  #count(span: number): void {
    this.#span += span;
    if (this.#span > Number.MAX_SAFE_INTEGER) throw new RangeError('build Block tree: expected at most 2^53-1 bytes');
  }

  #level(depth: number): Level {
    let level = this.#levels[depth];
    if (level === undefined) {
      level = this.#spare[depth] ?? { writer: new ByteWriter(INITIAL_LEVEL_SIZE), count: 0, span: 0, only: undefined };
      this.#levels[depth] = level;
    }
    return level;
  }

  #push(depth: number, ref: Block): void {
    const level = this.#level(depth);
    const before = level.writer.length;
    writeBlockref(level.writer, ref);
    const size = level.writer.length;
    if (size - before > MAX_REF_SIZE)
      throw new RangeError(`build Block tree: expected references of at most ${MAX_REF_SIZE} bytes, got ${size - before}`);
    level.count++;
    level.span += ref.span;
    level.only = level.count === 1 ? ref : undefined;
    if (level.count < MIN_REFS) return;
    if (level.count >= MAX_REFS || size >= MAX_REFS_SIZE || (cutCheck(ref, level.writer.view(), before) & CUT_MASK) === 0)
      this.#close(depth);
  }

  #close(depth: number): void {
    const level = this.#level(depth);
    const ref = level.only ?? this.#superblock(level);
    empty(level);
    this.#push(depth + 1, ref);
  }

  #superblock(level: Level): IndirectBlock {
    const data = level.writer.view();
    const { length } = data;
    // As with any Block, a few bytes are in the reference itself.
    if (length <= MAX_LITERAL_SIZE) {
      return { kind: 'indirect', span: level.span, refs: { kind: 'literal', span: length, data: Uint8Array.from(data) } };
    }
    return { kind: 'indirect', span: level.span, refs: { kind: 'hash', span: length, hashcode: this.#sink.put(data) } };
  }
}

function empty(level: Level): void {
  level.writer.reset();
  level.count = 0;
  level.span = 0;
  level.only = undefined;
}

/**
 * What decides whether a superblock ends after a reference: the last byte of its digest, which is evenly distributed
 * already. A reference without a digest has a CRC-32 of the whole of it (all runs of NUL end alike).
 */
function cutCheck(ref: Block, encoded: Uint8Array, start: number): number {
  const inner = ref.kind === 'indirect' ? ref.refs : ref;
  if (inner.kind === 'hash') return encoded[encoded.length - 1] ?? 0;
  return crc32(encoded.subarray(start));
}
