import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import type { BlockSource } from '../block/block-source.ts';
import { keepBlocks } from '../block/kept-blocks.ts';
import { readBlockBytes, readBlockRange } from '../block/read-range.ts';
import { runBytes } from '../block/run-bytes.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import { TreeCopier } from '../block/tree-copy.ts';
import type { Leaf } from '../block/tree-walk.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { Store } from '../store/store.ts';
import type { Content } from './blockify.ts';
import { blockify, leafOfPiece } from './blockify.ts';
import { WINDOW_SIZE } from './edge-hash.ts';
import { KERNEL_CONTEXT, MIN_RUN_SIZE } from './edge-kernel.ts';
import type { Parser } from './parser.ts';

/** Bytes of new Blocks to collect before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

export interface AppendOptions extends OpOptions {
  /** The parser of the stored content, if it had one. Then the whole content is read, though only new Blocks are stored. */
  readonly parser?: Parser | undefined;
}

/** The point from which a content that continues must be cut again. */
interface LastEdge {
  /** The leaves up to this offset are final. */
  readonly copied: number;
  /** A run after them, without its last bytes, which are in `rest`. */
  readonly run: Block | undefined;
  /** The bytes from there to the content's end. */
  readonly rest: Uint8Array;
}

/**
 * Appends to a stored content. Returns the Block of the whole, the same as if all were stored at once. The content before the last final
 * edge is neither read nor written. Only the last leaf is read, rarely two, and some superblocks of each level.
 *
 * @param block - a content cut with the Store's edge settings. With any other, the result has the right content, but perhaps different
 * Blocks
 * @param more - the bytes to append, in any portions
 * @throws {MissingBlockError} and {CorruptBlockError} if Blocks cannot be read; the error of `more`
 */
export async function appendContent(
  store: Pick<Store, 'hashName' | 'edges' | 'addBatch' | 'get' | 'name'>,
  block: Block,
  more: Content,
  options: AppendOptions = {},
): Promise<Block> {
  const { signal, parser } = options;
  const source = keepBlocks(store);
  const old = await TreeCopier.open(source, block, { signal });
  const edge = parser === undefined ? await lastEdge(source, block, old.span, signal) : { copied: 0, run: undefined, rest: NONE };
  const pending = new PendingBlocks(store.hashName);
  const tree = new BlockTreeBuilder(pending);
  await old.copy(tree, 0, edge.copied);
  if (edge.run !== undefined) tree.add(edge.run);
  // The kernel's window may reach back over the edge. That matters only if Blocks may be shorter than the window.
  const known = old.span - edge.rest.length;
  const before =
    store.edges.minSize >= WINDOW_SIZE || parser !== undefined
      ? undefined
      : await readBlockBytes(source, {
          kind: 'sub',
          base: block,
          offset: Math.max(0, known - KERNEL_CONTEXT),
          span: Math.min(known, KERNEL_CONTEXT),
        });
  const content = parser === undefined ? joined([edge.rest], more) : joined(readBlockRange(store, block, { signal }), more);
  for await (const piece of blockify(content, store.edges, { signal, parser, before, start: parser === undefined ? known : 0 })) {
    tree.add(leafOfPiece(pending, piece));
    if (pending.size >= FLUSH_SIZE) await pending.flushTo(store, { signal });
  }
  const appended = tree.finish();
  await pending.flushTo(store, { signal });
  return appended;
}

const NONE = new Uint8Array(0);

async function* joined(first: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, more: Content): AsyncGenerator<Uint8Array> {
  yield* first;
  if (more instanceof Uint8Array) yield more;
  else yield* more;
}

/**
 * The last final edge of a content: the start of its last leaf. Equal bytes at the end may still become a run, so edges among them are
 * not final.
 */
async function lastEdge(source: BlockSource, block: Block, span: number, signal: AbortSignal | undefined): Promise<LastEdge> {
  const leaves: Uint8Array[] = [];
  let octet: number | undefined;
  let copied = span;
  while (copied > 0) {
    const leaf = await leafAt(source, block, copied - 1, signal);
    if (leaf?.kind === 'run' && leaf.span >= MIN_RUN_SIZE) {
      // Equal bytes after a run belong to it. So either the run is the end, or the next leaf begins at an edge.
      if (octet !== undefined) break;
      return { copied: span - leaf.span, run: { ...leaf, span: leaf.span - MIN_RUN_SIZE }, rest: runBytes(leaf.octet, MIN_RUN_SIZE) };
    }
    const data = leaf === undefined ? NONE : await readBlockBytes(source, leaf, { signal });
    octet ??= data.at(-1);
    if (data.length === 0 || data.at(-1) !== octet) break;
    leaves.unshift(data);
    copied -= data.length;
    if (!data.every((one) => one === octet)) break;
  }
  return { copied, run: undefined, rest: Buffer.concat(leaves) };
}

/** The whole leaf that contains a byte; undefined past the end. */
async function leafAt(source: BlockSource, block: Block, at: number, signal: AbortSignal | undefined): Promise<Leaf['block'] | undefined> {
  for await (const leaf of leavesOf(source, block, { start: at, end: at + 1, signal })) return leaf.block;
  return undefined;
}
