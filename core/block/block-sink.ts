import type { OpOptions } from '../base/op-options.ts';
import type { Block } from './block.ts';
import { MAX_LITERAL_SIZE } from './block.ts';
import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { BlockTarget } from './block-target.ts';
import type { HashName } from './hash.ts';
import type { HashCode } from './hashcode.ts';
import { digestHex, hashcodeOf } from './hashcode.ts';
import { isRun } from './run-bytes.ts';

/** Receives the Blocks that encoders make, without waiting for a Store. */
export interface BlockSink {
  readonly hashName: HashName;
  /**
   * Takes a Block and returns its hashcode. `data` is copied if it is kept.
   *
   * @param data - at most MAX_BLOCK_SIZE bytes
   */
  put(data: Uint8Array): HashCode;
}

interface PendingBlock {
  readonly digest: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Collects Blocks until they are flushed to a Store in one batch. Equal Blocks are kept once. A caller with unbounded input must flush
 * whenever `size` exceeds a limit of its own.
 */
export class PendingBlocks implements BlockSink {
  readonly hashName: HashName;
  #blocks = new Map<string, PendingBlock>();
  #size = 0;

  constructor(hashName: HashName) {
    this.hashName = hashName;
  }

  /** Bytes waiting. */
  get size(): number {
    return this.#size;
  }

  /** Blocks waiting. */
  get count(): number {
    return this.#blocks.size;
  }

  put(data: Uint8Array): HashCode {
    if (data.length > MAX_BLOCK_SIZE) throw new RangeError(`put Block: expected at most ${MAX_BLOCK_SIZE} bytes, got ${data.length}`);
    return this.putDigested(hashcodeOf(this.hashName, data).digest, data);
  }

  /** Takes a Block whose digest is known already. `data` is copied if it is kept, `digest` is kept. */
  putDigested(digest: Uint8Array, data: Uint8Array): HashCode {
    const key = digestHex(digest);
    if (!this.#blocks.has(key)) {
      this.#blocks.set(key, { digest, data: Buffer.from(data) });
      this.#size += data.length;
    }
    return { hashName: this.hashName, digest };
  }

  /** The bytes of a waiting Block, or undefined; never to be modified. */
  peek(hashcode: HashCode): Uint8Array | undefined {
    return hashcode.hashName === this.hashName ? this.#blocks.get(digestHex(hashcode.digest))?.data : undefined;
  }

  /**
   * Adds all waiting Blocks to a Store. Blocks put meanwhile wait for the next flush. If the Store fails, all Blocks are kept.
   *
   * @throws {TypeError} if the Store has another hash function; else the Store's error
   */
  async flushTo(store: BlockTarget, options?: OpOptions): Promise<void> {
    if (store.hashName !== this.hashName) throw new TypeError(`flush Blocks: expected a Store of ${this.hashName}, got ${store.hashName}`);
    if (this.#blocks.size === 0) return;
    const taken = this.#blocks;
    this.#blocks = new Map();
    this.#size = 0;
    try {
      await store.addBatch([...taken.values()], options);
    } catch (error) {
      for (const [key, block] of taken) {
        if (this.#blocks.has(key)) continue;
        this.#blocks.set(key, block);
        this.#size += block.data.length;
      }
      throw error;
    }
  }
}

/** Puts each Block into two sinks. */
export class BothSinks implements BlockSink {
  readonly hashName: HashName;
  readonly #first: BlockSink;
  readonly #second: BlockSink;

  /** @param second - must have the same hash function as `first` */
  constructor(first: BlockSink, second: BlockSink) {
    this.hashName = first.hashName;
    this.#first = first;
    this.#second = second;
  }

  put(data: Uint8Array): HashCode {
    this.#second.put(data);
    return this.#first.put(data);
  }
}

/**
 * Makes the Block of one leaf: a literal up to MAX_LITERAL_SIZE bytes, a run if all bytes are equal, else a hashed Block in `sink`.
 *
 * @param data - at most MAX_BLOCK_SIZE bytes; copied if kept
 */
export function leafBlock(sink: BlockSink, data: Uint8Array): Block {
  if (data.length <= MAX_LITERAL_SIZE) return { kind: 'literal', span: data.length, data: Uint8Array.from(data) };
  if (isRun(data)) return { kind: 'run', span: data.length, octet: data[0] ?? 0 };
  return { kind: 'hash', span: data.length, hashcode: sink.put(data) };
}
