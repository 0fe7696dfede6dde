import type { OpOptions } from '../base/op-options.ts';
import type { HashName } from './hash.ts';

/** A Block whose digest has been computed already, by our own pipeline. */
export interface DigestedBlock {
  readonly digest: Uint8Array;
  /** The Block's bytes; may be a view of shared memory, and may be reused once the call returned. */
  readonly data: Uint8Array;
  /** CRC-32 of `data`, where a worker computed it already. */
  readonly crc32?: number;
}

/** What takes Blocks whose digests are known. Every Store is one. */
export interface BlockTarget {
  readonly hashName: HashName;

  /**
   * Adds Blocks whose digests are known: the pipeline's way in, one await a batch.
   * Equal Blocks within one batch are stored once.
   *
   * @returns for each Block whether it was new
   */
  addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]>;
}
