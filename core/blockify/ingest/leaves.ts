import { MAX_LITERAL_SIZE } from '../../block/block.ts';
import type { MemoryDigester } from '../../block/memory-digester.ts';
import { isRun } from '../../block/run-bytes.ts';
import { sealRecords } from '../../sealed/seal-blocks.ts';
import type { BlockKeys } from '../../sealed/seal-keys.ts';
import { RecordPacker } from '../../store/records/record-batch.ts';
import type { StoredCompression } from '../../store/records/stored-bytes.ts';
import type { EdgeKernel } from '../edge-kernel.ts';
import type { LeafTable } from './ingest-protocol.ts';
import { LEAF_HASHED, LEAF_LITERAL, LEAF_RUN } from './leaf-table.ts';

/** The memory of leaves, and how to make their records. */
export interface LeafSetup {
  /** All of the shared memory. */
  readonly bytes: Uint8Array;
  readonly digester: MemoryDigester;
  /** Copies within the shared memory. */
  readonly copy: EdgeKernel['copy'];
  readonly digestSize: number;
  readonly compression: StoredCompression;
  /** The keys by which leaves are sealed in their records; undefined if they are not. */
  readonly blockKeys: BlockKeys | undefined;
}

/** Collects the leaves of one job, then hashes all of them and makes their records. */
export class Leaves {
  readonly #setup: LeafSetup;
  #kinds: Uint8Array;
  #ranges: Uint32Array;
  /** The ranges of hashed leaves. */
  readonly #hashed: number[] = [];
  count = 0;

  /** @param expected - expected number of leaves; there may be more */
  constructor(setup: LeafSetup, expected: number) {
    this.#setup = setup;
    this.#kinds = new Uint8Array(expected);
    this.#ranges = new Uint32Array(expected * 2);
  }

  /** Adds a leaf, and determines its kind: literal, run, or hashed. */
  add(start: number, end: number): void {
    const { bytes } = this.#setup;
    if (end - start <= MAX_LITERAL_SIZE) this.#put(start, end, LEAF_LITERAL);
    else if (bytes[start] === bytes[start + 1] && isRun(bytes.subarray(start, end))) this.#put(start, end, LEAF_RUN);
    else {
      this.#put(start, end, LEAF_HASHED);
      this.#hashed.push(start, end);
    }
  }

  addRun(start: number, end: number): void {
    this.#put(start, end, LEAF_RUN);
  }

  /**
   * Hashes the leaves.
   *
   * @param imageAt - offset in the shared memory for their records
   * @param room - bytes of memory there; 0 to make no records
   */
  finish(imageAt: number, room: number): LeafTable {
    const { bytes, digester, digestSize, compression, blockKeys, copy } = this.#setup;
    const hashed = Uint32Array.from(this.#hashed);
    const count = hashed.length / 2;
    const digests = new Uint8Array(count * digestSize);
    digester(hashed, digests);
    const kinds = this.#kinds.slice(0, this.count);
    if (room === 0) return { kinds, digests, sizes: NO_SIZES, storedSizes: NO_SIZES, codecs: NO_CODECS, imageAt, imageSize: 0 };
    if (blockKeys !== undefined) return { kinds, ...this.#sealed(blockKeys, hashed, digests, imageAt) };
    const image = bytes.subarray(imageAt, imageAt + room);
    const packer = new RecordPacker(image, count, compression, (data, at) => copy(imageAt + at, data.byteOffset, data.length));
    for (let i = 0; i < count; i++) {
      packer.add(bytes.subarray(hashed[i * 2], hashed[i * 2 + 1]), digests.subarray(i * digestSize, (i + 1) * digestSize));
    }
    const { sizes, storedSizes, codecs, image: records } = packer.batch(digests);
    return { kinds, digests, sizes, storedSizes, codecs, imageAt, imageSize: records.length };
  }

  #sealed(keys: BlockKeys, hashed: Uint32Array, digests: Uint8Array, imageAt: number): Omit<LeafTable, 'kinds'> {
    const { bytes } = this.#setup;
    const leaves = Array.from({ length: hashed.length / 2 }, (_, i) => bytes.subarray(hashed[i * 2], hashed[i * 2 + 1]));
    const { names, sizes, image } = sealRecords(keys, leaves, digests, (size) => Buffer.from(bytes.buffer, imageAt, size));
    return {
      digests,
      names,
      sizes: Uint32Array.from(leaves, ({ length }) => length),
      storedSizes: sizes,
      codecs: new Uint8Array(leaves.length),
      imageAt,
      imageSize: image.length,
    };
  }

  /** Pairs: start and end of each leaf in the shared memory. */
  ranges(): Uint32Array {
    return this.#ranges.slice(0, this.count * 2);
  }

  #put(start: number, end: number, kind: number): void {
    const i = this.count++;
    if (i >= this.#kinds.length) this.#grow(Math.max(64, this.#kinds.length * 2));
    this.#kinds[i] = kind;
    this.#ranges[i * 2] = start;
    this.#ranges[i * 2 + 1] = end;
  }

  #grow(size: number): void {
    const kinds = new Uint8Array(size);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    const ranges = new Uint32Array(size * 2);
    ranges.set(this.#ranges);
    this.#ranges = ranges;
  }
}

const NO_SIZES = new Uint32Array(0);
const NO_CODECS = new Uint8Array(0);
