import type { Block } from '../block/block.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { Store } from '../store/store.ts';
import type { BlockifyOptions, Content } from './blockify.ts';
import { blockify, leafOfPiece } from './blockify.ts';

/** Bytes of new Blocks to collect before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

/**
 * Stores a content in this thread, and returns its Block. For large amounts, the ingest makes the same Blocks several times as fast.
 */
export async function storeContent(
  store: Pick<Store, 'hashName' | 'edges' | 'addBatch'>,
  content: Content,
  options: BlockifyOptions = {},
): Promise<Block> {
  const { signal } = options;
  const pending = new PendingBlocks(store.hashName);
  const tree = new BlockTreeBuilder(pending);
  for await (const piece of blockify(content, store.edges, options)) {
    tree.add(leafOfPiece(pending, piece));
    if (pending.size >= FLUSH_SIZE) await pending.flushTo(store, { signal });
  }
  const block = tree.finish();
  await pending.flushTo(store, { signal });
  return block;
}
