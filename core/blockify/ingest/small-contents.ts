import type { Block } from '../../block/block.ts';
import { hashByName } from '../../block/hash.ts';
import type { ContentHint } from '../parser.ts';
import type { ContentsJob, ContentsResult } from './ingest-protocol.ts';
import { addedOf, blocksOf } from './leaf-table.ts';
import { SLOT_DATA_SIZE, type SlotLayout, slotStartAt } from './slots.ts';
import type { SmallFilesContext } from './small-files.ts';

/** The part of an ingest that small contents need. */
export interface SmallContentsContext extends Pick<SmallFilesContext, 'hashName' | 'bytes' | 'slots' | 'sink' | 'wantsRecords' | 'add'> {
  readonly layout: SlotLayout;
  /** Cuts and hashes. @param size - bytes of all contents */
  run(job: ContentsJob, size: number): Promise<ContentsResult>;
  /** Called when bytes of contents have been processed. */
  onRead(size: number): void;
  /** Called when the ingest as a whole has failed. */
  onFailure(error: unknown): void;
}

interface WaitingContent {
  readonly data: Uint8Array;
  readonly hint: ContentHint;
  readonly resolve: (block: Block) => void;
  readonly reject: (error: unknown) => void;
}

/** Stores small contents in memory. Those of one turn of the event loop are cut, hashed and added together. */
export class SmallContents {
  readonly #context: SmallContentsContext;
  #batch: WaitingContent[] = [];
  #batchSize = 0;
  #isSendDue = false;

  constructor(context: SmallContentsContext) {
    this.#context = context;
  }

  /** Stores a content of up to SLOT_DATA_SIZE bytes, which must not change until this resolves. */
  add(data: Uint8Array, hint: ContentHint): Promise<Block> {
    if (this.#batchSize + data.length > SLOT_DATA_SIZE) this.#send();
    this.#batchSize += data.length;
    const block = new Promise<Block>((resolve, reject) => this.#batch.push({ data, hint, resolve, reject }));
    if (!this.#isSendDue) {
      this.#isSendDue = true;
      setImmediate(() => {
        this.#isSendDue = false;
        this.#send();
      });
    }
    return block;
  }

  #send(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    const size = this.#batchSize;
    this.#batchSize = 0;
    void this.#run(batch, size);
  }

  async #run(batch: readonly WaitingContent[], size: number): Promise<void> {
    const { bytes, layout, slots, hashName, sink, wantsRecords } = this.#context;
    let slot: number | undefined;
    try {
      slot = await slots.acquire();
      let at = slotStartAt(layout, slot);
      for (const { data } of batch) {
        bytes.set(data, at);
        at += data.length;
      }
      const sizes = Uint32Array.from(batch, ({ data }) => data.length);
      const job: ContentsJob = { kind: 'contents', slot, pack: wantsRecords(), sizes, hints: batch.map(({ hint }) => hint) };
      const result = await this.#context.run(job, size);
      this.#context.onRead(size);
      const blocks = blocksOf(hashName, result, bytes, sink);
      await this.#context.add(addedOf(result, result.ranges, bytes, hashByName(hashName).digestSize));
      for (const [i, { resolve }] of batch.entries()) resolve(blocks[i] as Block);
    } catch (error) {
      this.#context.onFailure(error);
      for (const { reject } of batch) reject(error);
    } finally {
      if (slot !== undefined) slots.release(slot);
    }
  }
}
