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

/** Bytes of new Blocks collected before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

export interface AppendOptions extends OpOptions {
  /** Proposes edges, as it did for what is there; then all of that is read, though only what is new is stored. */
  readonly parser?: Parser | undefined;
}

/** Where a content that continues is to be cut again. */
interface LastEdge {
  /** The leaves up to here stay, whatever comes. */
  readonly copied: number;
  /** A run that continues after them: its first bytes, all but those in `rest`. */
  readonly run: Block | undefined;
  /** The bytes from there to the content's end. */
  readonly rest: Uint8Array;
}

/**
 * Appends to a stored content: gives the Block of both, the same as storing all at once gives. What is before the last edge
 * that nothing after it can move is neither read nor written. Of the content the last leaf is read, rarely two, and some
 * superblocks of each level.
 *
 * @param block - as the Store's edges cut it; of others the content comes out right, the Blocks may be others
 * @param more - what comes after it, in any portions
 * @throws {MissingBlockError} and {CorruptBlockError} if what has to be read cannot be; whatever `more` throws
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
  // A window of the kernel that reaches back over the edge decides nothing, but where Blocks may be shorter than it.
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
 * The last edge of a content that stays where it is whatever comes after: the start of its last leaf. Among equal bytes at
 * the end nothing is decided, as they may still become a run.
 */
async function lastEdge(source: BlockSource, block: Block, span: number, signal: AbortSignal | undefined): Promise<LastEdge> {
  const leaves: Uint8Array[] = [];
  let octet: number | undefined;
  let copied = span;
  while (copied > 0) {
    const leaf = await leafAt(source, block, copied - 1, signal);
    if (leaf?.kind === 'run' && leaf.span >= MIN_RUN_SIZE) {
      // Equal bytes behind a run are part of it: it either is the end, or what comes after it begins with an edge.
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

/** The leaf that a byte is in, whole; undefined past the end. */
async function leafAt(source: BlockSource, block: Block, at: number, signal: AbortSignal | undefined): Promise<Leaf['block'] | undefined> {
  for await (const leaf of leavesOf(source, block, { start: at, end: at + 1, signal })) return leaf.block;
  return undefined;
}
