import { VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Block } from './block.ts';
import { UNKNOWN_SPAN } from './block.ts';
import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { BlockSource } from './block-source.ts';
import type { ReadLeaf } from './leaf-window.ts';
import { LeafWindow } from './leaf-window.ts';
import { runBytes, runChunks } from './run-bytes.ts';
import type { RangeOptions } from './tree-walk.ts';
import { leavesOf, readHashBlock, withSpan } from './tree-walk.ts';

/** Leaves to read ahead at first. */
const READ_AHEAD_BLOCKS = 16;

/** Bytes to read ahead. The last leaf requested may exceed them. */
const READ_AHEAD_BYTES = 4 * 1024 * 1024;

/** The same for a single reader that reads a long content as fast as possible: 50 MB/s from a Store 100 ms away need it. */
export const LONG_READ_AHEAD: number = 24 * 1024 * 1024;

export interface ReadOptions extends RangeOptions {
  /** Leaves to read ahead at first; default 16. The number grows while the reader has to wait. */
  readonly readAhead?: number;
  /** Maximum bytes to read ahead; default 4 MiB. */
  readonly maxReadAhead?: number;
  /** The clock that measures waits, in milliseconds; default that of the process. */
  readonly nowMs?: () => number;
}

/**
 * The bytes of a Block, or of a range of it, in order. The source verifies them. Leaves are read ahead, and more of them if the Store is
 * far away. Runs are views of one shared buffer, so a hole of 1 TiB costs no memory.
 *
 * @returns chunks, not to be modified; they stay valid as long as the caller keeps them
 * @throws {MissingBlockError} and {CorruptBlockError} when the reader reaches the Block
 */
export async function* readBlockRange(
  source: BlockSource,
  block: Block,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, readAhead = READ_AHEAD_BLOCKS, maxReadAhead = READ_AHEAD_BYTES, nowMs = () => performance.now() } = options;
  const window = new LeafWindow(source, leavesOf(source, block, options), { leaves: readAhead, bytes: maxReadAhead, signal, nowMs });
  const turns = new EventTurns();
  try {
    for (let next = await window.next(); next !== undefined; next = await window.next()) {
      for (const chunk of chunksOf(next)) {
        const turn = turns.next(signal);
        if (turn !== undefined) await turn;
        yield chunk;
      }
    }
  } finally {
    await window.close();
  }
}

function chunksOf([leaf, data]: ReadLeaf): Iterable<Uint8Array> {
  const { block, from, size } = leaf;
  if (block.kind === 'run') return runChunks(block.octet, size);
  const bytes = block.kind === 'literal' ? block.data : data;
  if (bytes === undefined || from + size > bytes.length) {
    throw new VtError('ECORRUPT', `read Block: ${bytes?.length ?? 0} bytes, but its reference says ${block.span}`);
  }
  return [size === bytes.length ? bytes : bytes.subarray(from, from + size)];
}

/**
 * All bytes of a Block in one array, not to be modified. If they are one stored Block, they are not copied.
 *
 * @param options.maxSize - maximum bytes to accept; default MAX_BLOCK_SIZE
 * @throws {VtError} ECORRUPT if the Block has more; if its span is known, before any leaf is read
 */
export async function readBlockBytes(
  source: BlockSource,
  block: Block,
  options: { readonly maxSize?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  const { maxSize = MAX_BLOCK_SIZE, signal } = options;
  if (block.kind === 'hash' && block.span === UNKNOWN_SPAN) return bounded(await readHashBlock(source, block, signal), maxSize);
  const { span } = await withSpan(source, block, signal);
  if (span > maxSize) throw tooLarge(span, maxSize);
  switch (block.kind) {
    case 'hash':
      return readHashBlock(source, block, signal);
    case 'literal':
      return block.data;
    case 'run':
      return runBytes(block.octet, span);
    case 'indirect':
    case 'sub': {
      const out = Buffer.allocUnsafe(span);
      let length = 0;
      for await (const chunk of readBlockRange(source, block, { signal })) {
        out.set(chunk, length);
        length += chunk.length;
      }
      return out;
    }
  }
}

function bounded(data: Uint8Array, maxSize: number): Uint8Array {
  if (data.length > maxSize) throw tooLarge(data.length, maxSize);
  return data;
}

function tooLarge(size: number, maxSize: number): VtError {
  return new VtError('ECORRUPT', `read Block: expected at most ${maxSize} bytes, its reference says ${size}`);
}
