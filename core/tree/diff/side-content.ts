import type { OpOptions } from '../../base/op-options.ts';
import { differingRuns } from '../../block/differing-runs.ts';
import { readBlockRange } from '../../block/read-range.ts';
import type { FileDirent } from '../../dirent/dirent.ts';
import type { TreePath } from '../path.ts';
import type { DiffSide } from './diff.ts';

/** A file of one of two trees. */
export interface SideFile {
  readonly side: DiffSide;
  readonly path: TreePath;
  readonly file: FileDirent;
}

/** Whether a file's content is in Blocks and not in a local file. */
export function isStored({ side }: SideFile): boolean {
  return side.read === undefined;
}

/** Reads the content of a file from an offset on. */
export function contentOf({ side, path, file }: SideFile, start: number, options: OpOptions = {}): AsyncIterable<Uint8Array> {
  return side.read?.(path, start, options) ?? readBlockRange(side.source, file.block, { start, ...options });
}

/** The first octet in which two contents differ. */
export interface FirstDifference {
  readonly offset: number;
  /** The side whose content ends there, if one does. */
  readonly ended: 'before' | 'after' | undefined;
}

/**
 * Finds the first octet in which two contents differ; undefined if they are equal. It does not read Blocks that both begin with.
 */
export async function firstDifference(before: SideFile, after: SideFile, options: OpOptions = {}): Promise<FirstDifference | undefined> {
  const start = isStored(before) && isStored(after) ? await firstBlock(before, after, options) : 0;
  if (start === undefined) return undefined;
  const a = new Bytes(contentOf(before, start, options));
  const b = new Bytes(contentOf(after, start, options));
  try {
    for (let offset = start; ; ) {
      const first = await a.view();
      const second = await b.view();
      const size = Math.min(first.length, second.length);
      if (size === 0) {
        if (first.length === second.length) return undefined;
        return { offset, ended: first.length === 0 ? 'before' : 'after' };
      }
      if (Buffer.compare(first.subarray(0, size), second.subarray(0, size)) !== 0) {
        let same = 0;
        while (first[same] === second[same]) same++;
        return { offset: offset + same, ended: undefined };
      }
      a.consume(size);
      b.consume(size);
      offset += size;
    }
  } finally {
    await a.close();
    await b.close();
  }
}

/** Whether two files have the same content, even in different Blocks. */
export async function sameBytes(before: SideFile, after: SideFile, options: OpOptions = {}): Promise<boolean> {
  return before.file.block.span === after.file.block.span && (await firstDifference(before, after, options)) === undefined;
}

/** The offset of the first differing Block; undefined if there is none. */
async function firstBlock(before: SideFile, after: SideFile, options: OpOptions): Promise<number | undefined> {
  const sources = { before: before.side.source, after: after.side.source };
  for await (const run of differingRuns(sources, before.file.block, after.file.block, options)) {
    // Before it the Blocks are the same, so the offset is the same on both sides.
    return run.start.before;
  }
  return undefined;
}

/** Reads a sequence of chunks as one stream of octets. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next octets; empty only at the end. */
  async view(): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done === true) break;
      this.#chunk = value;
    }
    return this.#chunk;
  }

  consume(size: number): void {
    this.#chunk = this.#chunk.subarray(size);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
