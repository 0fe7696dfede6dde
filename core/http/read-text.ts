import type { Block } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readBlockRange } from '../block/read-range.ts';
import { SNIFFED_SIZE } from './content-type.ts';

/** Bytes of a text that a page shows, at most. */
const SHOWN_SIZE = 256 * 1024;

/** The start of a content as text; undefined if it is not UTF-8. */
export async function readText(
  source: BlockSource,
  block: Block,
  size: number,
  signal: AbortSignal,
): Promise<{ readonly shown: string; readonly isWhole: boolean } | undefined> {
  const start = await readStart(source, block, Math.min(size, SHOWN_SIZE), signal);
  if (start.includes(0)) return undefined;
  try {
    // A character that is cut at the end is dropped.
    return { shown: new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: size > SHOWN_SIZE }), isWhole: size <= SHOWN_SIZE };
  } catch {
    return undefined;
  }
}

/** The first bytes of a content. */
export async function readStart(source: BlockSource, block: Block, size: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readBlockRange(source, block, {
    start: 0,
    end: size,
    ...(size <= SNIFFED_SIZE ? { readAhead: 1 } : {}),
    signal,
  }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}
