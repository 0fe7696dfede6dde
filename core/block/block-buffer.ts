import { CopyBuffer } from '../base/copy-buffer.ts';
import type { Block } from './block.ts';
import type { BlockSource } from './block-source.ts';
import type { ReadOptions } from './read-range.ts';
import { readBlockRange } from './read-range.ts';

/** A copy buffer of the content of a Block, or of a range of it. Leaves are read ahead, and their bytes are not copied. */
export function copyBufferOfBlock(source: BlockSource, block: Block, options: ReadOptions = {}): CopyBuffer {
  return CopyBuffer.of(readBlockRange(source, block, options), options.start ?? 0);
}
