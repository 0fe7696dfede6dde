import type { AddCounts } from './capabilities.ts';

/** Counts what is added to a Store. */
export class AddTally {
  #newBlocks = 0;
  #newBytes = 0;
  #storedBytes = 0;
  #existingBlocks = 0;
  #existingBytes = 0;

  /** A Block that the Store did not have. @param storedSize - octets that it takes there, where `addStored` does not tell of them */
  addNew(size: number, storedSize = 0): void {
    this.#newBlocks++;
    this.#newBytes += size;
    this.#storedBytes += storedSize;
  }

  /** Octets that new Blocks take together. */
  addStored(size: number): void {
    this.#storedBytes += size;
  }

  /** A Block that the Store had. */
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
