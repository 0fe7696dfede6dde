import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import { digestHex } from '../../block/hashcode.ts';
import { capability } from '../../store/capability.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { unpackRecords } from '../../store/records/record-batch.ts';
import type { Store } from '../../store/store.ts';

/** Counts of an ingest: Blocks that were new to the Store or existed there, and their bytes. */
export interface IntakeCounts {
  readonly newBlocks: number;
  readonly newBytes: number;
  readonly existingBlocks: number;
  readonly existingBytes: number;
}

/** Only a batch of at least this many Blocks predicts whether the next will be mostly new. Batches of a few superblocks do not. */
const MIN_TELLING = 64;

/** The part of a Store that an ingest needs. */
export type IntakeStore = Pick<Store, 'hashName' | 'addBatch' | 'has'>;

/** One batch, as records or as Blocks. Its memory may be reused once it is added. */
export type AddedBlocks = { readonly records: RecordBatch } | { readonly blocks: readonly DigestedBlock[] };

interface Waiting {
  readonly batch: AddedBlocks;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Adds Blocks to a Store, one batch at a time, and counts new and existing ones. In plan mode nothing is stored: Blocks are looked up, and
 * the digests of new ones kept, so that each counts once.
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
  #mostlyNew = true;

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

  /**
   * Whether Blocks should be added as records. False if the Store does not accept records, or if most of the last Blocks existed: checks
   * and copies of existing Blocks would take a fifth of the time.
   */
  get wantsRecords(): boolean {
    return this.#mostlyNew && this.#planned === undefined && capability(this.#store, 'recordSink') !== undefined;
  }

  add(batch: AddedBlocks): Promise<void> {
    return ('records' in batch ? batch.records.count : batch.blocks.length) === 0 ? Promise.resolve() : this.#add(batch);
  }

  /** As `Store.addBatch`, for `PendingBlocks.flushTo`, but returns an empty array. */
  async addBatch(blocks: readonly DigestedBlock[]): Promise<boolean[]> {
    await this.add({ blocks });
    return [];
  }

  #add(batch: AddedBlocks): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#take(next.batch);
        next.resolve();
      } catch (error) {
        next.reject(error);
      }
    }
    this.#busy = false;
  }

  async #take(batch: AddedBlocks): Promise<void> {
    const newBefore = this.#newBlocks;
    const store = this.#store;
    const sink = 'records' in batch && this.#planned === undefined ? capability(store, 'recordSink') : undefined;
    if ('records' in batch && sink !== undefined) {
      const { sizes } = batch.records;
      const isNew = await sink.addRecords(batch.records, this.#options);
      for (let i = 0; i < isNew.length; i++) this.#count(sizes[i] ?? 0, isNew[i] === 1);
      this.#mostlyNew = (this.#newBlocks - newBefore) * 2 > isNew.length;
      return;
    }
    const blocks = 'blocks' in batch ? batch.blocks : unpackRecords(batch.records, hashByName(this.hashName).digestSize);
    const isNew = this.#planned === undefined ? await store.addBatch(blocks, this.#options) : await this.#lookUp(blocks, this.#planned);
    for (const [i, { data }] of blocks.entries()) this.#count(data.length, isNew[i] === true);
    if (blocks.length >= MIN_TELLING) this.#mostlyNew = (this.#newBlocks - newBefore) * 2 > blocks.length;
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

  #count(size: number, isNew: boolean): void {
    if (isNew) {
      this.#newBlocks++;
      this.#newBytes += size;
    } else {
      this.#existingBlocks++;
      this.#existingBytes += size;
    }
  }
}
