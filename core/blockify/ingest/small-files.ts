import type { Octets } from '../../base/octets.ts';
import { packSignature, SIGNATURE_LENGTH } from '../../base/system/file-signature.ts';
import type { Block } from '../../block/block.ts';
import type { BlockSink } from '../../block/block-sink.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { AddedBlocks } from './block-intake.ts';
import type { ChangedStat, SmallJob, SmallNote, SmallResult } from './ingest-protocol.ts';
import { revivedError } from './ingest-protocol.ts';
import type { QueuedFile } from './ingested-file.ts';
import { addedOf, blocksOf } from './leaf-table.ts';
import type { FreeSlots } from './slots.ts';
import { SLOT_DATA_SIZE } from './slots.ts';

/** Maximum files in one slot, to limit the size of messages. */
const MAX_BATCH_FILES = 512;

/** The part of an ingest that small files need. */
export interface SmallFilesContext {
  readonly hashName: HashName;
  /** All of the shared memory. */
  readonly bytes: Uint8Array;
  readonly slots: FreeSlots;
  readonly sink: BlockSink;
  /** Whether Blocks should be added as records. */
  readonly wantsRecords: () => boolean;
  /** Reads, cuts and hashes. @param size - bytes of all files */
  run(job: SmallJob, size: number): Promise<SmallResult>;
  /** Adds Blocks to the Store. */
  add(batch: AddedBlocks): Promise<void>;
  /** Called when a waiting batch has got its slot. */
  onStart(): void;
  /** Called with a file that has become too large. */
  onGrown(file: QueuedFile): void;
  /** Called when bytes of contents have been read. */
  onRead(size: number): void;
  /** Called when the ingest as a whole has failed, not for a single file. */
  onFailure(error: unknown): void;
}

/** Stores small files. Many are read into one slot, cut and hashed by one job, and added as one batch. */
export class SmallFiles {
  readonly #context: SmallFilesContext;
  #batch: QueuedFile[] = [];
  #batchSize = 0;
  #waitingBatches = 0;
  #isSendDue = false;

  constructor(context: SmallFilesContext) {
    this.#context = context;
  }

  /** The number of batches that wait for a slot. */
  get waitingBatches(): number {
    return this.#waitingBatches;
  }

  /** Queues a file of up to SLOT_DATA_SIZE bytes. The batch is sent when it is full, on `send`, and when the event loop turns. */
  add(file: QueuedFile): void {
    const size = Number(file.seen.size);
    if (this.#batchSize + size > SLOT_DATA_SIZE || this.#batch.length >= MAX_BATCH_FILES) this.send();
    this.#batch.push(file);
    this.#batchSize += size;
    if (this.#isSendDue) return;
    this.#isSendDue = true;
    setImmediate(() => {
      this.#isSendDue = false;
      this.send();
    });
  }

  /** Sends the current batch. */
  send(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchSize = 0;
    this.#waitingBatches++;
    void this.#run(batch);
  }

  /** Removes and returns the files of the current batch. */
  takeWaiting(): QueuedFile[] {
    this.#batchSize = 0;
    return this.#batch.splice(0);
  }

  async #run(batch: readonly QueuedFile[]): Promise<void> {
    const { slots, wantsRecords } = this.#context;
    let slot: number | undefined;
    try {
      slot = await slots.acquire();
      this.#waitingBatches--;
      this.#context.onStart();
      const signatures = new BigInt64Array(batch.length * SIGNATURE_LENGTH);
      let size = 0;
      const dirs = new Int32Array(batch.length);
      let names = '';
      for (let i = 0; i < batch.length; i++) {
        const { dir, name, seen } = batch[i] as QueuedFile;
        packSignature(signatures, i * SIGNATURE_LENGTH, seen);
        size += Number(seen.size);
        dirs[i] = dir;
        names += `${name}\0`;
      }
      const result = await this.#context.run({ kind: 'small', slot, pack: wantsRecords(), dirs, names, signatures }, size);
      this.#context.onRead(size);
      const { hashName, bytes, sink } = this.#context;
      const blocks = blocksOf(hashName, result, bytes, sink);
      await this.#context.add(addedOf(result, result.ranges, bytes, hashByName(hashName).digestSize));
      this.#finishBatch(batch, blocks, result);
    } catch (error) {
      this.#context.onFailure(error);
      for (const { reject } of batch) reject(error);
    } finally {
      if (slot !== undefined) slots.release(slot);
    }
  }

  #finishBatch(batch: readonly QueuedFile[], blocks: readonly Block[], { notes, readAtMs }: SmallResult): void {
    let next = 0;
    for (let i = 0; i < batch.length; i++) {
      const first = next;
      while (notes[next]?.file === i) next++;
      this.#finishFile(batch[i] as QueuedFile, blocks[i] as Block, readAtMs, first === next ? NO_NOTES : notes.slice(first, next));
    }
  }

  #finishFile(file: QueuedFile, block: Block, readAtMs: number, notes: readonly SmallNote[]): void {
    let stat: ChangedStat | undefined;
    let isStable = true;
    let xattrs: ReadonlyMap<Octets, Uint8Array> | undefined;
    let xattrError: unknown;
    for (const note of notes) {
      switch (note.kind) {
        case 'failed':
          file.reject(revivedError(note.error));
          return;
        case 'grew':
          this.#context.onGrown(file);
          return;
        case 'changed':
          ({ stat, isStable } = note);
          break;
        case 'xattrs':
          xattrs = new Map(note.xattrs as readonly (readonly [Octets, Uint8Array])[]);
          break;
        case 'xattr-failed':
          xattrError = revivedError(note.error);
          break;
      }
    }
    file.resolve({ block, stat, seen: stat ?? file.seen, isStable, xattrs, xattrError, readAtMs });
  }
}

const NO_NOTES: readonly SmallNote[] = [];
