import { CorruptBlockError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block, IndirectBlock } from './block.ts';
import type { BlockSource } from './block-source.ts';
import { hashcodeLabel } from './hashcode.ts';
import type { BlockTreeBuilder } from './tree-builder.ts';
import { MAX_TREE_DEPTH, readSuperblock, withSpan } from './tree-walk.ts';

/** A part of a tree, and its offset in the content. */
interface Part {
  readonly block: Block;
  readonly start: number;
  /** Levels of superblocks in it; 0 for a leaf. */
  readonly height: number;
  /** It is the end of the content. */
  readonly isLast: boolean;
}

/**
 * Copies leaves of a Block tree to a builder without reading them. Whole superblocks are copied without reading them, too, where
 * possible. So a change of a large content reads and writes only the superblocks above it. The result is the same as with leaf by leaf.
 *
 * The last superblock of a level is opened, because it did not end by the rule, and more may follow here. The last superblock of
 * a copied range is opened as well, because a run may continue after it.
 */
export class TreeCopier {
  readonly #source: BlockSource;
  readonly #options: OpOptions;
  readonly #top: Part;
  private constructor(source: BlockSource, top: Part, options: OpOptions) {
    this.#source = source;
    this.#top = top;
    this.#options = options;
  }

  /**
   * @param block - a tree that BlockTreeBuilder made. From any other, copies have the right content, but perhaps a different tree
   * @param source - read for superblocks, often the same ones, so it should cache some
   */
  static async open(source: BlockSource, block: Block, options: OpOptions = {}): Promise<TreeCopier> {
    const whole = await withSpan(source, block, options.signal);
    const height = await heightOf(source, whole, options.signal);
    return new TreeCopier(source, { block: whole, start: 0, height, isLast: true }, options);
  }

  /** Bytes of the whole content. */
  get span(): number {
    return this.#top.block.span;
  }

  /**
   * Adds the leaves between two bytes of the content to a builder.
   *
   * @param start - the start of a leaf
   * @param end - the end of a leaf, `start` or more
   * @throws {RangeError} if there is no edge at `start` or `end`
   * @throws {CorruptBlockError} and {MissingBlockError} for superblocks that cannot be read
   */
  async copy(builder: BlockTreeBuilder, start: number, end: number): Promise<void> {
    if (start >= end) return;
    // Parts to add, in reverse order.
    const parts: Part[] = [this.#top];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const { block, height } = part;
      const partEnd = part.start + block.span;
      if (partEnd <= start || part.start >= end) continue;
      const isWhole = part.start >= start && partEnd <= end;
      if (block.kind !== 'indirect') {
        if (!isWhole) throw new RangeError(`copy of a Block tree: no edge between ${part.start} and ${partEnd}, at ${start} or ${end}`);
        builder.add(block);
      } else if (isWhole && !part.isLast && partEnd < end && builder.takesSuperblock(height)) builder.addSuperblock(block, height);
      else {
        const below = await this.#childrenOf(part, block);
        for (let i = below.length - 1; i >= 0; i--) parts.push(below[i] as Part);
      }
    }
  }

  async #childrenOf(part: Part, block: IndirectBlock): Promise<Part[]> {
    const refs = await readSuperblock(this.#source, block, this.#options.signal);
    const children: Part[] = [];
    let { start } = part;
    for (const [i, ref] of refs.entries()) {
      const isLast = part.isLast && i === refs.length - 1;
      // Only the last of a level may be lower than the others.
      const known = isLast || part.height <= 1 ? undefined : part.height - 1;
      const height = ref.kind === 'indirect' ? (known ?? (await heightOf(this.#source, ref, this.#options.signal))) : 0;
      children.push({ block: ref, start, height, isLast });
      start += ref.span;
    }
    if (start - part.start !== block.span) {
      throw corrupt(block, `its reference says ${block.span} bytes, its superblock ${start - part.start}`);
    }
    return children;
  }
}

/** Levels of superblocks, counted along the first child of each. */
async function heightOf(source: BlockSource, block: Block, signal: AbortSignal | undefined): Promise<number> {
  let height = 0;
  for (let at: Block | undefined = block; at?.kind === 'indirect'; height++) {
    if (height >= MAX_TREE_DEPTH) throw corrupt(at, `nested deeper than ${MAX_TREE_DEPTH}`);
    at = (await readSuperblock(source, at, signal))[0];
  }
  return height;
}

function corrupt(block: IndirectBlock, found: string): CorruptBlockError {
  return new CorruptBlockError(block.refs.kind === 'hash' ? hashcodeLabel(block.refs.hashcode) : 'superblock', 'Block tree', found);
}
