import type { OpOptions } from '../base/op-options.ts';
import type { HashName } from './hash.ts';

/** A Block whose digest our own code has already computed. */
export interface DigestedBlock {
  readonly digest: Uint8Array;
  /** The Block's bytes. May be a view of shared memory, and may be reused after the call. */
  readonly data: Uint8Array;
  /** CRC-32 of `data`, if a worker has already computed it. */
  readonly crc32?: number;
}

/** Takes Blocks whose digests are known. Every Store is a BlockTarget. */
export interface BlockTarget {
  readonly hashName: HashName;

  /**
   * Adds Blocks whose digests are known. Equal Blocks within one batch are stored once.
   *
   * @returns for each Block whether it was new
   */
  addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]>;
}
