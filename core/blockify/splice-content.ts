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

/** Bytes of new Blocks collected before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

/** Shorter holes and runs are read: the edge kernel finds what runs they are part of. */
const MIN_RUN_SIZE = 64 * 1024;

/** New bytes that are worth the way through the ingest's workers. */
const MIN_STREAM_SIZE = 1024 * 1024;

/** A part of a content that is put together, from `start` to `end`. */
export interface ContentPart {
  readonly start: number;
  readonly end: number;
  /** New bytes, a part of a stored Block from a byte on, one byte again and again, or a hole where undefined. */
  readonly source: 'octets' | BlockPart | { readonly octet: number } | undefined;
}

/** Where in a Block a part begins. */
interface BlockPart {
  readonly block: Block;
  readonly at: number;
}

/**
 * Stores a content, or what continues from an edge of one after `start` bytes, in other threads; `hint` is of all of it. A whole
 * content may come as its bytes, which stay as they are meanwhile.
 */
export type StoreSplicedContent = (
  content: Uint8Array | AsyncIterable<Uint8Array>,
  options: OpOptions & { readonly start?: number | undefined; readonly hint?: ContentHint | undefined },
) => Promise<Block>;

/** Where the bytes of parts come from. */
export interface SpliceSource {
  /** Every part in order, without gaps. */
  readonly parts: readonly ContentPart[];
  /** Bytes `start` to `end`, of whatever parts. */
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
  readonly storeContent: StoreSplicedContent;
}

/** A Store that contents are put together in. */
export type SpliceStore = Pick<Store, 'hashName' | 'edges' | 'addBatch' | 'get' | 'name'>;

/** Whether edges depend on nothing before the last one, which putting together takes. */
export function canSplice({ edges }: Pick<Store, 'edges'>): boolean {
  return edges.minSize >= WINDOW_SIZE;
}

/**
 * Stores a content that is put together of new bytes, holes and parts of stored Blocks, at the cost of what is new. Leaves
 * of stored Blocks are taken over unread where they are as they would be cut again. Holes become runs.
 *
 * Around what is new the content is cut from the edge before it until edges fall together with stored ones again. So it has
 * the Blocks that storing all of it gives, but where bytes that equal those of a hole are next to the hole.
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
  /** The part that `#at` is in. */
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
        // The source has fewer bytes than the parts say.
        if (this.#at === before) break;
      }
      if (this.#pending.size >= FLUSH_SIZE) await this.#pending.flushTo(this.#store, this.#options);
    }
    const block = this.#tree.finish();
    await this.#pending.flushTo(this.#store, this.#options);
    return block;
  }

  /** The part that comes next. */
  #part(): ContentPart | undefined {
    const { parts } = this.#from;
    while ((parts[this.#index]?.end ?? Number.POSITIVE_INFINITY) <= this.#at) this.#index++;
    return parts[this.#index];
  }

  /** Takes over the leaves that begin here and are in this part whole. @returns whether there were any */
  async #copy(part: ContentPart, { block, at }: BlockPart): Promise<boolean> {
    const first = at + (this.#at - part.start);
    if (!(await this.#isEdge(block, first))) return false;
    const end = at + (part.end - part.start);
    // The end of a content is no edge that its bytes make: what comes after it may move it.
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

  /** Cuts from here on, until there are leaves to be taken over, a long hole, or the end. */
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

  /** Whether what was cut so far ends where a stored leaf begins, all that decided on it being stored content. */
  async #isTogether(): Promise<boolean> {
    const part = this.#part();
    if (part === undefined || !isBlockPart(part) || this.#at - part.start < KERNEL_CONTEXT) return false;
    return await this.#isEdge(part.source.block, part.source.at + (this.#at - part.start));
  }

  /** Whether a leaf of a Block begins at a byte, or the Block ends there. */
  async #isEdge(block: Block, offset: number): Promise<boolean> {
    return offset === 0 || offset === block.span || (await this.#leafStart(block, offset)) === offset;
  }

  /** Where the leaf begins that a byte is in. */
  async #leafStart(block: Block, offset: number): Promise<number> {
    for await (const { from } of leavesOf(this.#blocks, block, { start: offset, end: offset + 1, ...this.#options })) return offset - from;
    return offset;
  }
}

/** The byte of a part that is one, again and again; undefined for other parts, and short ones. */
function octetOfRun({ start, end, source }: ContentPart): number | undefined {
  if (end - start < MIN_RUN_SIZE) return undefined;
  if (source === undefined) return 0;
  return typeof source === 'object' && 'octet' in source ? source.octet : undefined;
}

function isBlockPart<T extends ContentPart>(part: T): part is T & { readonly source: BlockPart } {
  return typeof part.source === 'object' && 'block' in part.source;
}

/**
 * Parts in which long runs that begin or end in the midst of a leaf are parts of their own. They would be read and cut
 * otherwise: a byte written in the middle of a hole of 1 TiB cost a reading of all of it.
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

/** The long run that a byte of a Block is in, neither at its start nor at its end, and how much of it is before and after. */
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
