import type { HashFunction } from '../block/hash.ts';
import { AddTally } from '../store/add-tally.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { DatadirWriter } from './datadir-writer.ts';
import { KnownBlocks } from './known-blocks.ts';

/** The functions of a writer that appending needs. */
export type RecordWriter = Pick<DatadirWriter, 'append' | 'sync' | 'close'>;

/** Appends new Blocks to a datadir. */
export class RecordAppender {
  readonly known: KnownBlocks;
  readonly tally = new AddTally();
  readonly #hash: HashFunction;
  readonly #index: DatadirIndex;
  readonly #layOut: LayOutRecords;

  constructor(hash: HashFunction, index: DatadirIndex, layOut: LayOutRecords) {
    this.#hash = hash;
    this.#index = index;
    this.#layOut = layOut;
    this.known = new KnownBlocks(hash.digestSize, index);
  }

  /**
   * Appends those Blocks of a batch that are new. It is synchronous, so nothing else in this process can add meanwhile.
   *
   * @returns for each Block 1 if it was new, else 0
   * @throws {IndexDamagedError} if the index cannot be read, or the system's error. Then none of them counts as added
   */
  append(batch: RecordBatch, writer: RecordWriter): Uint8Array {
    const { count, digests, sizes } = batch;
    const { digestSize } = this.#hash;
    const { known } = this;
    const { recent } = known;
    const isNew = new Uint8Array(count);
    this.#index.refresh();
    known.begin();
    const from = recent.position;
    try {
      for (let i = 0; i < count; i++) {
        if (known.has(digests, i * digestSize, digestSize)) continue;
        isNew[i] = 1;
        recent.add(digests, i * digestSize, sizes[i] as number);
      }
      if (recent.position > from) {
        const layout = this.#layOut(batch, isNew);
        const { file, offset } = writer.append(layout.pieces, { batch, layout });
        recent.place(from, file, offset, layout);
        this.tally.addStored(layout.size);
      }
    } catch (error) {
      recent.forgetFrom(from);
      throw error;
    }
    for (let i = 0; i < count; i++) {
      if (isNew[i] === 0) this.tally.addExisting(sizes[i] as number);
      else {
        this.tally.addNew(sizes[i] as number);
        known.noteAdded(digests, i * digestSize, digestSize);
      }
    }
    return isNew;
  }
}
