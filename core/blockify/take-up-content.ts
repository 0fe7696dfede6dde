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
 * Continues a growing content where an earlier process left it. The last leaves and some superblocks are read from the Store. If a parser's
 * mark is before the stable point, the bytes in between are read, too. If there is no mark, the whole content is read.
 *
 * @param block - the last result of its `block()`
 * @param at - the result of `stablePoint()` at that time; undefined if unknown: then the whole content is read and cut again
 * @throws {MissingBlockError} and {CorruptBlockError} if Blocks cannot be read
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
    // The stable point may be within a run: copy the leaves before it, and add the first part of the run.
    await copier.copy(tree, 0, stable - from);
    if (from > 0) tree.add({ ...leaf, span: from });
  }
  if (stable === block.span) await copier.copy(tree, 0, stable);
  // The kernel's window may reach back over the edge. That matters only if Blocks may be shorter than the window.
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

/** Bytes of pending Blocks after which they are sent to the Store. */
const MAX_PENDING_SIZE = 4 * 1024 * 1024;
