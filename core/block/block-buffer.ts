import { CopyBuffer } from '../base/copy-buffer.ts';
import type { Block } from './block.ts';
import type { BlockSource } from './block-source.ts';
import type { ReadOptions } from './read-range.ts';
import { readBlockRange } from './read-range.ts';

/** A copy buffer of a Block's content, or of a part: leaf Blocks are fetched ahead of need and given as they are. */
export function copyBufferOfBlock(source: BlockSource, block: Block, options: ReadOptions = {}): CopyBuffer {
  return CopyBuffer.of(readBlockRange(source, block, options), options.start ?? 0);
}
