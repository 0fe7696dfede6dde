import { randomUUID } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import type { Offers } from '../store/capability.ts';
import { codecByNumber, encodeDatafileHeader } from '../store/records/datafile.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import { encodeFooter, PlaceList } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import { layOutPlainly } from '../store/records/record-layout.ts';
import type { AddResult, Store } from '../store/store.ts';

/** Takes bytes in order. The caller may reuse the buffer once the promise resolves. */
export type Write = (data: Uint8Array) => Promise<void>;

/** The existing part of a file to which a state is appended. */
export interface OneFileStart {
  readonly size: number;
  readonly index: DatafileIndex;
  /** Offset of its last footer, in bytes. */
  readonly footerStart: number;
}

/**
 * Writes a one-file Store from its first byte to its last, or appends a state to an existing one. It implements Store, so that the
 * functions that copy Blocks can write to it; records are kept in the order in which they come.
 *
 * @see vt(5), "One-file Stores"
 */
export class OneFileWriter implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #hash: HashFunction;
  readonly #write: Write;
  readonly #layOut: LayOutRecords;
  readonly #places: PlaceList;
  readonly #start: OneFileStart | undefined;
  #offset: number;
  #metadataEnd = 0;

  /**
   * @param options.layOut - arranges Blocks in the file; default: one after the other, as they come
   * @param options.start - the existing part of the file; default: an empty file
   */
  constructor(
    name: string,
    hash: HashFunction,
    write: Write,
    options: { readonly layOut?: LayOutRecords | undefined; readonly start?: OneFileStart | undefined } = {},
  ) {
    this.name = name;
    this.hashName = hash.name;
    this.#hash = hash;
    this.#write = write;
    this.#layOut = options.layOut ?? layOutPlainly;
    this.#start = options.start;
    this.#offset = options.start?.size ?? 0;
    this.#places = new PlaceList(hash.digestSize);
    if (options.start !== undefined) for (const [digest, place] of options.start.index.entries()) this.#places.add(digest, place);
    this.offers = {
      recordSink: {
        compression: 'none',
        checksRecords: false,
        addRecords: async (batch) => {
          await this.#addRecords(batch);
          return new Uint8Array(batch.count).fill(1);
        },
      },
    };
  }

  /** Size of the file so far, in bytes. */
  get size(): number {
    return this.#offset;
  }

  /** Blocks in the index. */
  get count(): number {
    return this.#places.count;
  }

  /** Writes the state's Dirent: the first record of the file, or the first after a footer. @returns its digest */
  async begin(dirent: Dirent, now: Date): Promise<Uint8Array> {
    if (this.#start === undefined) {
      const createdNs = BigInt(now.getTime()) * 1_000_000n;
      const header = { hashName: this.hashName, storeId: randomUUID(), fileId: randomUUID(), createdNs, isOneFile: true };
      await this.#put(encodeDatafileHeader(header));
    }
    const data = encodeDirent(dirent);
    const digest = this.#hash.digest(data);
    // Its place is fixed by the format, so it is written even if the file already has an equal Block.
    const isThere = this.#start?.index.find(digest) !== undefined;
    await this.#addRecords(packRecords([{ digest, data }], this.#hash, 'none'), { layOut: layOutPlainly, isIndexed: !isThere });
    this.#metadataEnd = this.#offset;
    return digest;
  }

  /** Marks the end of the metadata; contents follow. */
  endMetadata(): void {
    this.#metadataEnd = this.#offset;
  }

  /** Writes the index and the footer. @param whenNs - when the state was recorded, in nanoseconds since 1970 */
  async end(whenNs: bigint): Promise<void> {
    const indexStart = this.#offset;
    for (const record of this.#places.records()) await this.#put(record);
    const indexSize = this.#offset - indexStart;
    const previous = this.#start?.footerStart ?? 0;
    await this.#put(encodeFooter({ indexStart, indexSize, previous, metadataEnd: this.#metadataEnd, whenNs }, this.#hash.digestSize));
  }

  async addBatch(blocks: readonly DigestedBlock[]): Promise<boolean[]> {
    await this.#addRecords(packRecords(blocks, this.#hash, 'none'));
    return blocks.map(() => true);
  }

  async #addRecords(batch: RecordBatch, { layOut = this.#layOut, isIndexed = true } = {}): Promise<void> {
    const { digestSize } = this.#hash;
    const { pieces, rows, offsets, storedSizes, codecs } = layOut(batch, new Uint8Array(batch.count).fill(1));
    for (const [k, row] of isIndexed ? rows.entries() : []) {
      const place = {
        offset: this.#offset + (offsets[k] as number),
        storedSize: storedSizes[k] as number,
        size: batch.sizes[row] as number,
        codec: codecByNumber(codecs[k] as number),
      };
      this.#places.add(batch.digests.subarray(row * digestSize, (row + 1) * digestSize), place);
    }
    for (const piece of pieces) await this.#put(piece);
  }

  async #put(data: Uint8Array): Promise<void> {
    this.#offset += data.length;
    await this.#write(data);
  }

  async add(data: Uint8Array): Promise<AddResult> {
    const digest = this.#hash.digest(data);
    await this.addBatch([{ digest, data }]);
    return { hashcode: { hashName: this.hashName, digest }, isNew: true };
  }

  async get(): Promise<undefined> {
    return await Promise.reject(new VtError('EUNSUPPORTED', `get from "${this.name}": it is being written`));
  }

  async has(hashcodes: readonly unknown[]): Promise<boolean[]> {
    return await Promise.resolve(hashcodes.map(() => false));
  }

  async flush(): Promise<void> {
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}
