import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import { keepBlocks } from '../block/kept-blocks.ts';
import { readBlockBytes, readBlockRange } from '../block/read-range.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import { TreeCopier } from '../block/tree-copy.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { Store } from '../store/store.ts';
import { parserNamed, parserNames, parserOf } from './choose-parser.ts';
import { ContentParser } from './content-parser.ts';
import { WINDOW_SIZE } from './edge-hash.ts';
import { KERNEL_CONTEXT } from './edge-kernel.ts';
import type { EdgeScanner } from './edge-scanner.ts';
import type { StablePoint } from './growing-content.ts';
import { GrowingContent } from './growing-content.ts';
import type { ContentHint, Parser } from './parser.ts';
import { MAX_HEAD_SIZE } from './parser.ts';

/**
 * Takes up a content that grows where an earlier process left it. The last leaves and some superblocks are read from the
 * Store. Where a parser is in the middle of something, what that began with is read too. Where it is not known what that
 * is, all of the content is read.
 *
 * @param block - what `block()` of it gave
 * @param at - what `stablePoint()` gave then; undefined where that is unknown: then it grows from its start, which is read whole
 * @throws {MissingBlockError} and {CorruptBlockError} if what has to be read cannot be
 */
export async function takeUpContent(
  store: Pick<Store, 'hashName' | 'get' | 'addBatch' | 'name'>,
  scanner: EdgeScanner,
  block: Block,
  at: StablePoint | undefined,
  hint: ContentHint,
  options: OpOptions = {},
): Promise<GrowingContent> {
  const source = keepBlocks(store);
  if (at === undefined || block.span < MAX_HEAD_SIZE) {
    const content = new GrowingContent(store, scanner, hint);
    for await (const octets of readBlockRange(store, block, options)) {
      content.push(octets);
      if (content.pending.size > MAX_PENDING_SIZE) await content.flushTo(store, options);
    }
    return content;
  }
  const { stable, parsing } = at;
  const isKnown =
    parsing !== undefined && parserNames().includes(parsing.name) && (hint.parser === undefined || hint.parser === parsing.name);
  let syntax: Parser | undefined;
  if (isKnown && !at.isDeaf) syntax = parserNamed(parsing.name);
  else if (!at.isDeaf) {
    const head = await readBlockBytes(source, { kind: 'sub', base: block, offset: 0, span: MAX_HEAD_SIZE }, options);
    syntax = parserOf(hint, head, scanner.settings.minSize);
  }
  const mark = isKnown ? parsing.mark : undefined;
  const from = Math.min(stable, mark?.from ?? 0);
  const parser = syntax === undefined ? undefined : new ContentParser(syntax, mark === undefined ? undefined : { mark, end: from });
  if (parser !== undefined && from < stable) {
    for await (const octets of readBlockRange(store, block, { start: from, end: stable, ...options })) parser.push(octets);
  }
  const pending = new PendingBlocks(store.hashName);
  const tree = new BlockTreeBuilder(pending);
  const copier = await TreeCopier.open(source, block, options);
  for await (const { from, block: leaf } of leavesOf(source, block, { start: stable, end: stable + 1, ...options })) {
    // Neighbouring runs of one byte are one leaf.
    await copier.copy(tree, 0, stable - from);
    if (from > 0) tree.add({ ...leaf, span: from });
  }
  if (stable === block.span) await copier.copy(tree, 0, stable);
  // A window of the kernel that reaches back over the edge decides nothing, but where Blocks may be shorter than it.
  const needed = scanner.settings.minSize < WINDOW_SIZE ? Math.min(KERNEL_CONTEXT, stable) : 0;
  const before =
    needed === 0
      ? new Uint8Array(0)
      : await readBlockBytes(source, { kind: 'sub', base: block, offset: stable - needed, span: needed }, options);
  const content = new GrowingContent(store, scanner, hint, {
    ...at,
    tree,
    pending,
    before,
    parser,
    syntax,
    edges: isKnown ? parsing.edges : [],
  });
  for await (const octets of readBlockRange(store, block, { start: stable, ...options })) content.push(octets);
  return content;
}

/** Bytes of Blocks that wait before they go to the Store. */
const MAX_PENDING_SIZE = 4 * 1024 * 1024;
