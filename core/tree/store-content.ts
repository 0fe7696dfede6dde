import type { Block } from '../block/block.ts';
import { leafBlock, PendingBlocks } from '../block/block-sink.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { OpOptions, Store } from '../store/store.ts';

/** Octets of new Blocks collected before they are added to the Store. */
const FLUSH_SIZE = 4 * 1024 * 1024;

/** Stores a content as it comes, in this thread, and gives its Block. */
export async function storeContent(store: Store, content: AsyncIterable<Uint8Array>, options: OpOptions = {}): Promise<Block> {
  const pending = new PendingBlocks(store.hashName);
  const tree = new BlockTreeBuilder(pending);
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += store.edges.maxSize)
      tree.add(leafBlock(pending, chunk.subarray(at, at + store.edges.maxSize)));
    if (pending.size >= FLUSH_SIZE) await pending.flushTo(store, options);
  }
  const block = tree.finish();
  await pending.flushTo(store, options);
  return block;
}
