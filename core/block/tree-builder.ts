import { crc32 } from 'node:zlib';
import { ByteWriter } from '../base/byte-writer.ts';
import type { Block, IndirectBlock, RunBlock } from './block.ts';
import { EMPTY_BLOCK, MAX_LITERAL_SIZE, UNKNOWN_SPAN } from './block.ts';
import type { BlockSink } from './block-sink.ts';
import { writeBlockref, writeHashedRef } from './blockref.ts';
import { hashByName } from './hash.ts';

// These limits determine where superblocks end. The rule depends only on the references in the current superblock. So a change of one leaf
// changes the superblocks above it, and few others. @see vt(5), "Block trees"

/** Minimum references of a superblock. Only the last of its level may have fewer. */
export const MIN_REFS = 16;

/** Maximum references of a superblock. */
export const MAX_REFS = 1024;

/** A superblock ends with the reference that makes it this many bytes or more. */
export const MAX_REFS_SIZE = 64 * 1024;

/**
 * From MIN_REFS on, a superblock ends after a reference whose check (see cutCheck) has these bits 0. That is one in 16, so superblocks have
 * 31 references on average. The new superblocks of seven more versions of 128 MiB (448 edits, Blocks of 8 KiB) took 0.73 MB. With a
 * minimum of 8 they took 1.03 MB at one in 32, and 1.59 MB at one in 64.
 */
const CUT_MASK = 15;

/** Maximum bytes of a reference. With longer ones, a level might not be shorter than the one below it. */
const MAX_REF_SIZE = 4096;

/** Initial bytes of a level. Most contents have few leaves, and 4,096 bytes for each content would burden the garbage collector. */
const INITIAL_LEVEL_SIZE = 256;

interface Level {
  readonly writer: ByteWriter;
  count: number;
  span: number;
  /** The reference, if the superblock has only one. It then passes to the next level unchanged. */
  only: Block | undefined;
}

/**
 * Builds the Block of a content from its leaves, in order. Superblocks go to the sink as soon as they end, so memory is bounded by the
 * depth. The same leaves always give the same Block.
 */
export class BlockTreeBuilder {
  readonly #sink: BlockSink;
  #levels: Level[] = [];
  /** Levels of the last tree, whose memory is reused. A directory tree with small files can have 10,000 Block trees. */
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
   * Adds the next leaf. Adjacent runs of the same byte become one; empty leaves are dropped.
   *
   * @throws {RangeError} if its span is unknown, its reference is longer than 4096 bytes, or the content exceeds 2^53-1 bytes
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
   * Adds a hashed leaf: as `add` of its HashBlock, but without making an object.
   *
   * @param span - bytes of the leaf, 1 or more
   * @param digests - contains its digest, by the sink's hash function
   * @param at - offset of the digest in `digests`
   * @throws {RangeError} if the content exceeds 2^53-1 bytes
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
   * Whether a superblock of this height may be added: the levels below must have no pending references.
   *
   * @param height - levels of superblocks in it, 1 or more
   */
  takesSuperblock(height: number): boolean {
    if (this.#run !== undefined) return false;
    for (let depth = 0; depth < height; depth++) if ((this.#levels[depth]?.count ?? 0) > 0) return false;
    return true;
  }

  /**
   * Adds all leaves below a superblock of another tree that this class built, without reading them. The result is the same as with leaf
   * by leaf, if the superblock is not the last of its level in that tree, or nothing is added after it here.
   *
   * @param height - levels of superblocks in it, 1 or more
   * @throws {RangeError} if `takesSuperblock(height)` is false, or as {@link BlockTreeBuilder.add}
   */
  addSuperblock(block: IndirectBlock, height: number): void {
    if (!this.takesSuperblock(height)) throw new RangeError(`build Block tree: a superblock of height ${height} where leaves wait`);
    if (block.span === UNKNOWN_SPAN) throw new RangeError('build Block tree: expected a superblock of known span');
    this.#count(block.span);
    for (let depth = 0; depth < height; depth++) this.#level(depth);
    this.#push(height, block);
  }

  /** Makes an independent copy of this builder, with the leaves so far. Copies only the pending references. */
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

  /** Returns the Block of all leaves. The builder is empty afterwards. */
  finish(): Block {
    if (this.#run !== undefined) this.#push(0, this.#run);
    this.#run = undefined;
    let top: Block = EMPTY_BLOCK;
    // Closing a level may add one above it, so this is not a for-of.
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
    // As with any Block, few bytes become a literal.
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
 * The number that decides whether a superblock ends after a reference: the last byte of its digest, which is uniformly distributed. For a
 * reference without a digest, it is the CRC-32 of the reference, because all runs of NUL end with the same byte.
 */
function cutCheck(ref: Block, encoded: Uint8Array, start: number): number {
  const inner = ref.kind === 'indirect' ? ref.refs : ref;
  if (inner.kind === 'hash') return encoded[encoded.length - 1] ?? 0;
  return crc32(encoded.subarray(start));
}
