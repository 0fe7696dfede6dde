import type { Block } from '../../block/block.ts';
import type { StoreSplicedContent } from '../splice-content.ts';
import type { Ingest } from './ingest.ts';

/** Stores a content with an ingest. When it resolves, all Blocks are added to the Store. */
export async function ingestContent(
  ingest: Ingest,
  content: Parameters<StoreSplicedContent>[0],
  { start, hint }: Parameters<StoreSplicedContent>[1],
): Promise<Block> {
  const block = content instanceof Uint8Array ? await ingest.bytes(content, hint) : await ingest.stream(content, hint, start);
  await ingest.flushPending();
  return block;
}
