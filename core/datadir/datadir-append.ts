import type { HashFunction } from '../block/hash.ts';
import { AddTally } from '../store/add-tally.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { DatadirWriter } from './datadir-writer.ts';
import { KnownBlocks } from './known-blocks.ts';

/** Where records are appended. */
export type RecordWriter = Pick<DatadirWriter, 'append' | 'sync' | 'close'>;

/** Appends to a datadir what it has not. */
export class RecordAppender {
  readonly known: KnownBlocks;
  readonly tally = new AddTally();
  readonly #hash: HashFunction;
  readonly #index: DatadirIndex;

  constructor(hash: HashFunction, index: DatadirIndex) {
    this.#hash = hash;
    this.#index = index;
    this.known = new KnownBlocks(hash.digestSize, index);
  }

  /**
   * Appends the new ones among Blocks. One pass, without giving up control: nothing else of this process adds in between.
   *
   * @returns for each Block 1 if it was new, else 0
   * @throws {IndexDamagedError} where the index cannot be read, or the system's error: then none of them counts as added
   */
  append(batch: RecordBatch, writer: RecordWriter): Uint8Array {
    const { count, digests, sizes, storedSizes, codecs } = batch;
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
        recent.add(digests, i * digestSize, sizes[i] as number, storedSizes[i] as number, codecs[i] as number);
      }
      if (recent.position > from) {
        const { file, offset } = writer.append(newRecords(batch, isNew, RECORD_FIXED_SIZE + digestSize), { batch, isNew });
        recent.place(from, file, offset, RECORD_FIXED_SIZE + digestSize);
      }
    } catch (error) {
      recent.forgetFrom(from);
      throw error;
    }
    for (let i = 0; i < count; i++) {
      if (isNew[i] === 0) this.tally.addExisting(sizes[i] as number);
      else {
        this.tally.addNew(sizes[i] as number, (storedSizes[i] as number) + RECORD_FIXED_SIZE + digestSize);
        known.noteAdded(digests, i * digestSize, digestSize);
      }
    }
    return isNew;
  }
}

/** The records of the new Blocks, each piece as long as may be: mostly all of the image in one. */
function newRecords({ count, storedSizes, image }: RecordBatch, isNew: Uint8Array, headerSize: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  let start = 0;
  for (let i = 0; i < count; i++) {
    const end = at + headerSize + (storedSizes[i] as number);
    if (isNew[i] === 0) {
      if (at > start) pieces.push(image.subarray(start, at));
      start = end;
    }
    at = end;
  }
  if (at > start) pieces.push(image.subarray(start, at));
  return pieces;
}
