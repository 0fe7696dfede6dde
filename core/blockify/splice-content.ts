import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import type { BlockSource } from '../block/block-source.ts';
import { keepBlocks } from '../block/kept-blocks.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import { TreeCopier } from '../block/tree-copy.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { Store } from '../store/store.ts';
import { blockify, leafOfPiece } from './blockify.ts';
import { WINDOW_SIZE } from './edge-hash.ts';
import { KERNEL_CONTEXT } from './edge-kernel.ts';
import type { ContentHint } from './parser.ts';

/** Bytes of new Blocks to collect before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

/** Shorter holes and runs are read, so that the edge kernel finds the whole runs to which they belong. */
const MIN_RUN_SIZE = 64 * 1024;

/** Minimum new bytes for which the ingest's workers are used. */
const MIN_STREAM_SIZE = 1024 * 1024;

/** A part of a composed content, from `start` to `end`. */
export interface ContentPart {
  readonly start: number;
  readonly end: number;
  /** New bytes, a part of a stored Block, a repeated byte, or undefined for a hole. */
  readonly source: 'octets' | BlockPart | { readonly octet: number } | undefined;
}

/** The start of a part in a Block. */
interface BlockPart {
  readonly block: Block;
  readonly at: number;
}

/**
 * Stores a content in other threads, or the rest of a content from an edge at `start` on; `hint` is about the whole content. If it is given
 * as one array, its bytes must not change meanwhile.
 */
export type StoreSplicedContent = (
  content: Uint8Array | AsyncIterable<Uint8Array>,
  options: OpOptions & { readonly start?: number | undefined; readonly hint?: ContentHint | undefined },
) => Promise<Block>;

/** The parts of a content, and access to their bytes. */
export interface SpliceSource {
  /** Every part in order, without gaps. */
  readonly parts: readonly ContentPart[];
  /** Reads bytes `start` to `end`, across parts. */
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
  readonly storeContent: StoreSplicedContent;
}

/** The Store of a composed content. */
export type SpliceStore = Pick<Store, 'hashName' | 'edges' | 'addBatch' | 'get' | 'name'>;

/** Whether contents can be composed: that requires that edges depend only on bytes after the last edge. */
export function canSplice({ edges }: Pick<Store, 'edges'>): boolean {
  return edges.minSize >= WINDOW_SIZE;
}

/**
 * Stores a content composed of new bytes, holes and parts of stored Blocks. The cost depends on the new bytes. Leaves of stored Blocks are
 * copied unread if cutting them again would give the same leaves. Holes become runs.
 *
 * New bytes are cut from the edge before them up to the next edge that is also one of a stored Block. So the Blocks are the same as if
 * everything were stored, except if bytes next to a hole equal those of the hole.
 */
export async function spliceContent(store: SpliceStore, source: SpliceSource, options: OpOptions = {}): Promise<Block> {
  const parts = await withCutRuns(store, source.parts, options);
  const splicer = new Splicer(store, { ...source, parts }, options);
  return await splicer.run();
}

class Splicer {
  readonly #store: SpliceStore;
  readonly #blocks: BlockSource;
  readonly #from: SpliceSource;
  readonly #options: OpOptions;
  readonly #pending: PendingBlocks;
  readonly #tree: BlockTreeBuilder;
  readonly #copiers = new Map<Block, TreeCopier>();
  readonly #size: number;
  /** Everything before is in the tree. */
  #at = 0;
  /** The index of the part that contains `#at`. */
  #index = 0;

  constructor(store: SpliceStore, from: SpliceSource, options: OpOptions) {
    this.#store = store;
    this.#blocks = keepBlocks(store);
    this.#from = from;
    this.#options = options;
    this.#pending = new PendingBlocks(store.hashName);
    this.#tree = new BlockTreeBuilder(this.#pending);
    this.#size = from.parts.at(-1)?.end ?? 0;
  }

  async run(): Promise<Block> {
    for (let part = this.#part(); part !== undefined; part = this.#part()) {
      const octet = octetOfRun(part);
      if (octet !== undefined) {
        this.#tree.add({ kind: 'run', span: part.end - this.#at, octet });
        this.#at = part.end;
      } else if (!isBlockPart(part) || !(await this.#copy(part, part.source))) {
        const before = this.#at;
        await this.#cut();
        // The source has fewer bytes than the parts declare.
        if (this.#at === before) break;
      }
      if (this.#pending.size >= FLUSH_SIZE) await this.#pending.flushTo(this.#store, this.#options);
    }
    const block = this.#tree.finish();
    await this.#pending.flushTo(this.#store, this.#options);
    return block;
  }

  /** The next part. */
  #part(): ContentPart | undefined {
    const { parts } = this.#from;
    while ((parts[this.#index]?.end ?? Number.POSITIVE_INFINITY) <= this.#at) this.#index++;
    return parts[this.#index];
  }

  /** Copies the leaves from here on that are completely in this part. @returns whether there were any */
  async #copy(part: ContentPart, { block, at }: BlockPart): Promise<boolean> {
    const first = at + (this.#at - part.start);
    if (!(await this.#isEdge(block, first))) return false;
    const end = at + (part.end - part.start);
    // The end of a content is not an edge of its bytes. Bytes that follow may move it.
    const isEnd = end === block.span && part.end < this.#size;
    const last = isEnd || !(await this.#isEdge(block, end)) ? await this.#leafStart(block, end - 1) : end;
    if (last <= first) return false;
    let copier = this.#copiers.get(block);
    if (copier === undefined) {
      copier = await TreeCopier.open(this.#blocks, block, this.#options);
      this.#copiers.set(block, copier);
    }
    await copier.copy(this.#tree, first, last);
    this.#at += last - first;
    return true;
  }

  /** Cuts from here on, until there are leaves to copy, a long hole, or the end. */
  async #cut(): Promise<void> {
    let stop = this.#index;
    const { parts } = this.#from;
    for (let part = parts[stop]; part !== undefined && octetOfRun(part) === undefined; part = parts[stop]) stop++;
    const end = parts[stop]?.start ?? this.#size;
    const content = this.#from.read(this.#at, end);
    if (end - this.#at >= MIN_STREAM_SIZE && !parts.slice(this.#index, stop).some(isBlockPart)) {
      const block = await this.#from.storeContent(content, { ...this.#options, start: this.#at });
      const copier = await TreeCopier.open(this.#blocks, block, this.#options);
      await copier.copy(this.#tree, 0, block.span);
      this.#at = end;
      return;
    }
    for await (const piece of blockify(content, this.#store.edges, { ...this.#options, start: this.#at })) {
      this.#tree.add(leafOfPiece(this.#pending, piece));
      this.#at += piece.kind === 'run' ? piece.size : piece.data.length;
      if (this.#pending.size >= FLUSH_SIZE) await this.#pending.flushTo(this.#store, this.#options);
      if (piece.kind === 'data' && (await this.#isTogether())) return;
    }
  }

  /** Whether the cut so far ends at an edge of a stored Block, and the kernel's window before it is in the same part. */
  async #isTogether(): Promise<boolean> {
    const part = this.#part();
    if (part === undefined || !isBlockPart(part) || this.#at - part.start < KERNEL_CONTEXT) return false;
    return await this.#isEdge(part.source.block, part.source.at + (this.#at - part.start));
  }

  /** Whether a leaf of a Block begins at a byte, or the Block ends there. */
  async #isEdge(block: Block, offset: number): Promise<boolean> {
    return offset === 0 || offset === block.span || (await this.#leafStart(block, offset)) === offset;
  }

  /** The start of the leaf that contains a byte. */
  async #leafStart(block: Block, offset: number): Promise<number> {
    for await (const { from } of leavesOf(this.#blocks, block, { start: offset, end: offset + 1, ...this.#options })) return offset - from;
    return offset;
  }
}

/** The byte of a long part that is a run or a hole; undefined for other parts. */
function octetOfRun({ start, end, source }: ContentPart): number | undefined {
  if (end - start < MIN_RUN_SIZE) return undefined;
  if (source === undefined) return 0;
  return typeof source === 'object' && 'octet' in source ? source.octet : undefined;
}

function isBlockPart<T extends ContentPart>(part: T): part is T & { readonly source: BlockPart } {
  return typeof part.source === 'object' && 'block' in part.source;
}

/**
 * Makes parts of their own of long runs that a part begins or ends within. Otherwise they would be read and cut: to write a byte in the
 * middle
 * of a hole of 1 TiB cost a reading of all of it.
 */
async function withCutRuns(store: BlockSource, parts: readonly ContentPart[], options: OpOptions): Promise<ContentPart[]> {
  const blocks = keepBlocks(store);
  const found: ContentPart[] = [];
  for (const part of parts) {
    if (!isBlockPart(part)) {
      found.push(part);
      continue;
    }
    const { start, end, source } = part;
    const head = await runAt(blocks, source, options);
    const headEnd = head === undefined ? start : Math.min(end, start + head.after);
    if (head !== undefined) found.push({ start, end: headEnd, source: { octet: head.octet } });
    if (headEnd === end) continue;
    const tail = await runAt(blocks, { block: source.block, at: source.at + (end - start) }, options);
    const tailStart = tail === undefined ? end : Math.max(headEnd, end - tail.before);
    if (tailStart > headEnd)
      found.push({ start: headEnd, end: tailStart, source: { block: source.block, at: source.at + (headEnd - start) } });
    if (tail !== undefined) found.push({ start: tailStart, end, source: { octet: tail.octet } });
  }
  return found;
}

/** The long run that contains a byte of a Block, and its bytes before and after that byte. Undefined if the byte is the run's first. */
async function runAt(
  blocks: BlockSource,
  { block, at }: BlockPart,
  options: OpOptions,
): Promise<{ readonly octet: number; readonly before: number; readonly after: number } | undefined> {
  if (at <= 0 || at >= block.span) return undefined;
  for await (const leaf of leavesOf(blocks, block, { start: at, end: at + 1, ...options })) {
    const { kind, span } = leaf.block;
    if (kind !== 'run' || leaf.from === 0 || span < MIN_RUN_SIZE) return undefined;
    return { octet: leaf.block.octet, before: leaf.from, after: span - leaf.from };
  }
  return undefined;
}
