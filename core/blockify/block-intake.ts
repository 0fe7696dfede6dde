import type { HashName } from '../block/hash.ts';
import { digestHex } from '../block/hashcode.ts';
import type { DigestedBlock, OpOptions, Store } from '../store/store.ts';

/** What an ingest met, in Blocks and their octets: those the Store had not, and those it had. */
export interface IntakeCounts {
  readonly newBlocks: number;
  readonly newBytes: number;
  readonly existingBlocks: number;
  readonly existingBytes: number;
}

/** The Store as an ingest sees it. */
export type IntakeStore = Pick<Store, 'hashName' | 'addBatch' | 'has'>;

interface Waiting {
  readonly blocks: readonly DigestedBlock[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands Blocks to a Store, one batch at a time: whatever came while the Store was busy goes with the next one. Counts
 * the new and the existing ones. In plan mode nothing is stored: Blocks are looked up, and new ones remembered by their
 * digests so that each counts once.
 */
export class BlockIntake {
  readonly hashName: HashName;
  readonly #store: IntakeStore;
  readonly #planned: Set<string> | undefined;
  readonly #options: OpOptions;
  readonly #waiting: Waiting[] = [];
  #busy = false;
  #newBlocks = 0;
  #newBytes = 0;
  #existingBlocks = 0;
  #existingBytes = 0;

  constructor(store: IntakeStore, options: OpOptions & { readonly plan?: boolean | undefined } = {}) {
    this.#store = store;
    this.hashName = store.hashName;
    this.#options = { signal: options.signal };
    this.#planned = options.plan === true ? new Set() : undefined;
  }

  /** Counts so far. */
  counts(): IntakeCounts {
    return {
      newBlocks: this.#newBlocks,
      newBytes: this.#newBytes,
      existingBlocks: this.#existingBlocks,
      existingBytes: this.#existingBytes,
    };
  }

  /** Adds Blocks; their data may be reused once this resolved. */
  add(blocks: readonly DigestedBlock[]): Promise<void> {
    if (blocks.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ blocks, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  /** As `Store.addBatch`, for a PendingBlocks to flush to. */
  async addBatch(blocks: readonly DigestedBlock[]): Promise<boolean[]> {
    await this.add(blocks);
    return [];
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0);
      const blocks = taken.length === 1 ? (taken[0]?.blocks ?? []) : taken.flatMap((waiting) => waiting.blocks);
      try {
        this.#count(
          blocks,
          this.#planned === undefined ? await this.#store.addBatch(blocks, this.#options) : await this.#lookUp(blocks, this.#planned),
        );
        for (const { resolve } of taken) resolve();
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#busy = false;
  }

  async #lookUp(blocks: readonly DigestedBlock[], planned: Set<string>): Promise<boolean[]> {
    const hashcodes = blocks.map(({ digest }) => ({ hashName: this.hashName, digest }));
    const present = await this.#store.has(hashcodes, this.#options);
    return blocks.map(({ digest }, i) => {
      if (present[i] === true) return false;
      const key = digestHex(digest);
      if (planned.has(key)) return false;
      planned.add(key);
      return true;
    });
  }

  #count(blocks: readonly DigestedBlock[], isNew: readonly boolean[]): void {
    for (let i = 0; i < blocks.length; i++) {
      const size = blocks[i]?.data.length ?? 0;
      if (isNew[i] === true) {
        this.#newBlocks++;
        this.#newBytes += size;
      } else {
        this.#existingBlocks++;
        this.#existingBytes += size;
      }
    }
  }
}
