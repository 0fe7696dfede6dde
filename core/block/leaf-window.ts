import { throwIfCancelled } from '../base/errors.ts';
import type { BlockSource } from './block-source.ts';
import type { Leaf } from './tree-walk.ts';
import { readHashBlock } from './tree-walk.ts';

/** Milliseconds of waiting for a leaf after which more is read ahead: the Store is far away. */
const LONG_WAIT_MS = 5;
/** How many times as much then. */
const GROWTH = 4;
/** Leaves ahead at most. */
const MAX_LEAVES = 8192;

/** A leaf, and its bytes where it is a hashed one. */
export type ReadLeaf = readonly [leaf: Leaf, data: Uint8Array | undefined];

/** A leaf that is on its way. */
interface WantedLeaf {
  readonly leaf: Leaf;
  /** Of a hashed leaf. */
  readonly data: Promise<Uint8Array> | undefined;
}

export interface LeafWindowOptions {
  /** Leaves ahead at first. */
  readonly leaves: number;
  /** Bytes ahead at most, and one leaf more. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds of a clock. */
  readonly nowMs: () => number;
}

/**
 * Leaves in order, asked of a Store ahead of need. Once half of them are used up, as many are asked for again: a Store may get those that
 * are asked for together with one request. Where the reader has to wait, more are asked for ahead from then on.
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
   * The next leaf, and its bytes; undefined behind the last.
   *
   * @throws what went wrong with it: all before it have been given
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

  /** Waits for what is on its way. A long wait says that too little was. */
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
      // What is before the fault is still given.
      this.#hasEnded = true;
      this.#failure = { error };
    } finally {
      this.#filling = undefined;
    }
  }

  #wanted(leaf: Leaf): WantedLeaf {
    if (leaf.block.kind !== 'hash') return { leaf, data: undefined };
    const data = readHashBlock(this.#source, leaf.block, this.#signal);
    // A reader that stops early never awaits it: then its error must not end the process.
    data.catch(() => undefined);
    return { leaf, data };
  }

  /** Asks for no more leaves. One that is being looked for is not waited for. */
  async close(): Promise<void> {
    const closed = this.#leaves.return();
    if (this.#filling === undefined) await closed;
    else void closed.catch(() => undefined);
  }
}

function sizeOf(leaf: Leaf): number {
  return leaf.block.kind === 'hash' ? Math.max(0, leaf.block.span) : 0;
}
