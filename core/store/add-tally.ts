import type { AddCounts } from './capabilities.ts';

/** Counts the Blocks that are added to a Store. */
export class AddTally {
  #newBlocks = 0;
  #newBytes = 0;
  #storedBytes = 0;
  #existingBlocks = 0;
  #existingBytes = 0;

  /** Counts a new Block of `size` octets. @param storedSize - octets that it takes in the Store, unless `addStored` counts them */
  addNew(size: number, storedSize = 0): void {
    this.#newBlocks++;
    this.#newBytes += size;
    this.#storedBytes += storedSize;
  }

  /** Counts octets that several new Blocks take in the Store. */
  addStored(size: number): void {
    this.#storedBytes += size;
  }

  /** Counts a Block that the Store had already. */
  addExisting(size: number): void {
    this.#existingBlocks++;
    this.#existingBytes += size;
  }

  /** The counts so far. */
  counts(): AddCounts {
    return {
      newBlocks: this.#newBlocks,
      newBytes: this.#newBytes,
      storedBytes: this.#storedBytes,
      existingBlocks: this.#existingBlocks,
      existingBytes: this.#existingBytes,
    };
  }
}
