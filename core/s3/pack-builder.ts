import { randomUUID } from 'node:crypto';
import { copyOctets } from '../base/copy-octets.ts';
import type { HashFunction } from '../block/hash.ts';
import { MAX_STORED_SIZE } from '../block/hash.ts';
import { codecByNumber, DATAFILE_HEADER_SIZE, encodeDatafileHeader, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordPlace } from '../store/records/datafile-index.ts';
import { DatafileIndex, encodeFooter, PlaceList } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { PackKind, PackName } from './pack-names.ts';
import { packName } from './pack-names.ts';

/** A pack with this many octets of records is complete. With one more large Block it can reach 36 MiB. */
export const PACK_SIZE: number = 20 * 1024 * 1024;

/** A complete pack. */
export interface Pack {
  readonly name: PackName;
  readonly index: DatafileIndex;
  /** The whole object. */
  readonly body: Buffer;
}

/** A pack that is being filled, in memory, in the format of a data file. @see vt(5), "Stores in buckets" */
export class PackBuilder {
  readonly name: PackName;
  readonly #hash: HashFunction;
  readonly #places: PlaceList;
  #octets = Buffer.allocUnsafeSlow(DATAFILE_HEADER_SIZE + PACK_SIZE + MAX_STORED_SIZE + 128);
  #size: number;

  constructor(kind: PackKind, storeId: string, hash: HashFunction, now: Date) {
    const fileId = randomUUID();
    this.name = packName(kind, fileId);
    this.#hash = hash;
    this.#places = new PlaceList(hash.digestSize);
    const header = encodeDatafileHeader({ hashName: hash.name, storeId, fileId, createdNs: BigInt(now.getTime()) * 1_000_000n });
    this.#size = header.copy(this.#octets);
  }

  /** Whether the next record must go into another pack. */
  get isFull(): boolean {
    return this.#size >= DATAFILE_HEADER_SIZE + PACK_SIZE;
  }

  /** Copies a record of a batch. @param at - its offset in the image */
  add(batch: RecordBatch, i: number, at: number): RecordPlace {
    const { digestSize } = this.#hash;
    const headerSize = RECORD_FIXED_SIZE + digestSize;
    const storedSize = batch.storedSizes[i] as number;
    copyOctets(this.#octets, this.#size, batch.image.subarray(at, at + headerSize + storedSize));
    const codec = codecByNumber(batch.codecs[i] as number);
    const place = { offset: this.#size + headerSize, storedSize, size: batch.sizes[i] as number, codec };
    this.#places.add(batch.digests.subarray(i * digestSize, (i + 1) * digestSize), place);
    this.#size += headerSize + storedSize;
    return place;
  }

  /** A range of the pack; undefined once it was released. Do not modify it. */
  read(start: number, end: number): Buffer | undefined {
    return this.#octets.length === 0 ? undefined : this.#octets.subarray(start, end);
  }

  /** Releases the memory: the pack has been uploaded. */
  release(): void {
    this.#octets = Buffer.alloc(0);
  }

  /** Completes the pack with its index and footer. */
  complete(): Pack {
    const { digestSize } = this.#hash;
    const records = [...this.#places.records()];
    const indexStart = this.#size;
    const indexSize = records.reduce((sum, { length }) => sum + length, 0);
    const footer = encodeFooter({ indexStart, indexSize, previous: 0, metadataEnd: indexStart, whenNs: 0n }, digestSize);
    const parts = records.map((record) => record.subarray(RECORD_FIXED_SIZE + digestSize));
    return { name: this.name, index: new DatafileIndex(digestSize, parts), body: this.#bodyWith([...records, footer]) };
  }

  /** The pack's octets followed by `end`. The spare space for one more Block mostly has room for `end`: then nothing is copied. */
  #bodyWith(end: readonly Uint8Array[]): Buffer {
    const size = end.reduce((sum, { length }) => sum + length, this.#size);
    if (size > this.#octets.length) return Buffer.concat([this.#octets.subarray(0, this.#size), ...end]);
    let at = this.#size;
    for (const part of end) {
      this.#octets.set(part, at);
      at += part.length;
    }
    return this.#octets.subarray(0, size);
  }
}
