import { throwIfCancelled } from '../base/errors.ts';
import type { BlockSource } from './block-source.ts';
import type { Leaf } from './tree-walk.ts';
import { readHashBlock } from './tree-walk.ts';

/** If the reader waits longer for a leaf, in milliseconds, the Store is far away, and more is read ahead. */
const LONG_WAIT_MS = 5;
/** The factor by which the read-ahead then grows. */
const GROWTH = 4;
/** Maximum leaves read ahead. */
const MAX_LEAVES = 8192;

/** A leaf, and the bytes of its Block if it is a hashed one. */
export type ReadLeaf = readonly [leaf: Leaf, data: Uint8Array | undefined];

/** A leaf that has been requested. */
interface WantedLeaf {
  readonly leaf: Leaf;
  /** The bytes of a hashed leaf's Block; undefined for other kinds. */
  readonly data: Promise<Uint8Array> | undefined;
}

export interface LeafWindowOptions {
  /** Leaves to read ahead at first. */
  readonly leaves: number;
  /** Bytes to read ahead. The last leaf requested may exceed them. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** A clock, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Reads leaves in order, and requests them from the source ahead of need. When half of the window is used up, it is refilled at once, so
 * that a Store can combine the requests. If the reader had to wait, the window grows.
 */
export class LeafWindow {
  readonly #source: BlockSource;
  readonly #leaves: AsyncGenerator<Leaf, void, undefined>;
  readonly #signal: AbortSignal | undefined;
  readonly #maxBytes: number;
  readonly #nowMs: () => number;
  readonly #queue: WantedLeaf[] = [];
  #maxLeaves: number;
  #bytes = 0;
  #filling: Promise<void> | undefined;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: BlockSource, leaves: AsyncGenerator<Leaf, void, undefined>, options: LeafWindowOptions) {
    this.#source = source;
    this.#leaves = leaves;
    this.#signal = options.signal;
    this.#maxBytes = options.bytes;
    this.#maxLeaves = options.leaves;
    this.#nowMs = options.nowMs;
  }

  /**
   * The next leaf and its bytes; undefined after the last.
   *
   * @throws the error of that leaf; all leaves before it have been returned
   */
  async next(): Promise<ReadLeaf | undefined> {
    for (;;) {
      const isLow = 2 * this.#queue.length <= this.#maxLeaves && 2 * this.#bytes < this.#maxBytes;
      if (isLow && !this.#hasEnded) this.#filling ??= this.#fill();
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#bytes -= sizeOf(next.leaf);
        throwIfCancelled(this.#signal);
        return [next.leaf, await this.#timed(next.data)];
      }
      if (this.#filling !== undefined) await this.#timed(this.#filling);
      else if (this.#failure !== undefined) throw this.#failure.error;
      else if (this.#hasEnded) return undefined;
    }
  }

  /** Waits for a request. If the wait is long, the window grows. */
  async #timed<T>(coming: Promise<T> | undefined): Promise<T | undefined> {
    if (coming === undefined) return undefined;
    const startMs = this.#nowMs();
    const found = await coming;
    if (this.#nowMs() - startMs > LONG_WAIT_MS) this.#maxLeaves = Math.min(MAX_LEAVES, this.#maxLeaves * GROWTH);
    return found;
  }

  async #fill(): Promise<void> {
    try {
      while (this.#queue.length <= this.#maxLeaves && this.#bytes < this.#maxBytes) {
        const { done, value } = await this.#leaves.next();
        if (done === true) {
          this.#hasEnded = true;
          return;
        }
        this.#queue.push(this.#wanted(value));
        this.#bytes += sizeOf(value);
      }
    } catch (error) {
      // The leaves before the error are still returned.
      this.#hasEnded = true;
      this.#failure = { error };
    } finally {
      this.#filling = undefined;
    }
  }

  #wanted(leaf: Leaf): WantedLeaf {
    if (leaf.block.kind !== 'hash') return { leaf, data: undefined };
    const data = readHashBlock(this.#source, leaf.block, this.#signal);
    // A reader that stops early never awaits it. Its error must not end the process then.
    data.catch(() => undefined);
    return { leaf, data };
  }

  /** Requests no more leaves. Does not wait for a request in progress. */
  async close(): Promise<void> {
    const closed = this.#leaves.return();
    if (this.#filling === undefined) await closed;
    else void closed.catch(() => undefined);
  }
}

function sizeOf(leaf: Leaf): number {
  return leaf.block.kind === 'hash' ? Math.max(0, leaf.block.span) : 0;
}
