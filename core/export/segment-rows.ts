import { ByteWriter } from '../base/byte-writer.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import { SEALED_OVERHEAD } from '../block/sealed-bytes.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { BlockKeyOctets, Sealing } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import { codecNumber, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { Store } from '../store/store.ts';

/** Numbers of a row, one row for each segment: a piece of content, in order of its place in the file. */
export const ROW_SIZE = 8;

/** What is where in a row. */
export const CELL = {
  /** One of {@link SEGMENT}. */
  kind: 0,
  /** Of a stored segment: which of the files, or records in memory; -1 while its Block has no known location. */
  file: 1,
  /** First stored byte in its file; of `data`, in the literals; of `run`, the byte itself. */
  offset: 2,
  /** Bytes stored. */
  storedSize: 3,
  /** Bytes of the Block. */
  size: 4,
  /** First byte of the Block that is wanted. */
  from: 5,
  /** Bytes that are wanted. */
  wanted: 6,
  /** The number of its codec. */
  codec: 7,
} as const;

/** Kinds of segments: one byte over and over, bytes given at hand, a part of a Block that is in a file. */
export const SEGMENT = { run: 0, data: 1, stored: 2 } as const;

/** Segments with all that they refer to, in memory that can be transferred to a thread. */
export interface PackedSegments {
  readonly cells: Float64Array<ArrayBuffer>;
  /** A digest for each row, of account for the stored ones. */
  readonly digests: Uint8Array<ArrayBuffer>;
  readonly literals: Uint8Array<ArrayBuffer>;
  /** What holds stored Blocks: files by their paths, and bytes at hand. */
  readonly files: readonly (string | Uint8Array<ArrayBuffer>)[];
  /** Where all stored Blocks are sealed: with these keys. Sizes are those of what was sealed. */
  readonly keys?: BlockKeyOctets | undefined;
}

/** A stored row, and the Block that it is of. */
interface StoredRow {
  /** Its first cell. */
  readonly at: number;
  readonly digest: Uint8Array;
  /** Bytes of the Block; -1 where that is not known. */
  readonly size: number;
}

/** Whether a Store says where its Blocks are, or holds them sealed in one that does. */
export function canLocate(store: Store): boolean {
  return capability(capability(store, 'sealing')?.below ?? store, 'location') !== undefined;
}

/**
 * Segments in columns: an export handles 65,000 Blocks a GiB, and objects for each of them, packed and unpacked again
 * for a worker, took a fifth of its time.
 */
export class SegmentRows {
  readonly #digestSize: number;
  #cells: Float64Array<ArrayBuffer>;
  #digests: Uint8Array<ArrayBuffer>;
  readonly #literals = new ByteWriter(64);
  readonly #files: (string | Uint8Array<ArrayBuffer>)[] = [];
  #keys: BlockKeyOctets | undefined;
  #count = 0;

  /** @param capacity - rows to make room for at first */
  constructor(digestSize: number, capacity = 64) {
    this.#digestSize = digestSize;
    this.#cells = new Float64Array(capacity * ROW_SIZE);
    this.#digests = new Uint8Array(capacity * digestSize);
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  /** `octet`, `size` times over. */
  run(octet: number, size: number): void {
    this.#add(SEGMENT.run, 0, octet, 0, size, 0, size);
  }

  /** Bytes at hand; copied. */
  data(data: Uint8Array): void {
    this.#add(SEGMENT.data, 0, this.#literals.length, 0, data.length, 0, data.length);
    this.#literals.bytes(data);
  }

  /**
   * A part of a Block that has yet to be located.
   *
   * @param source - holds the Block's digest, at `digestAt`; it is copied
   * @param size - bytes of the Block; -1 where that is unknown
   * @param from - first byte that is wanted
   * @param wanted - bytes that are wanted
   */
  stored(source: Uint8Array, digestAt: number, size: number, from: number, wanted: number): void {
    this.#add(SEGMENT.stored, -1, 0, 0, size, from, wanted);
    const digests = this.#digests;
    const at = (this.#count - 1) * this.#digestSize;
    for (let i = 0; i < this.#digestSize; i++) digests[at + i] = source[digestAt + i] as number;
  }

  #add(kind: number, file: number, offset: number, storedSize: number, size: number, from: number, wanted: number): void {
    const at = this.#count * ROW_SIZE;
    if (at === this.#cells.length) this.#grow();
    const cells = this.#cells;
    cells[at] = kind;
    cells[at + 1] = file;
    cells[at + 2] = offset;
    cells[at + 3] = storedSize;
    cells[at + 4] = size;
    cells[at + 5] = from;
    cells[at + 6] = wanted;
    cells[at + 7] = 0;
    this.#count++;
  }

  #grow(): void {
    const cells = new Float64Array(this.#cells.length * 2);
    cells.set(this.#cells);
    this.#cells = cells;
    const digests = new Uint8Array(this.#digests.length * 2);
    digests.set(this.#digests);
    this.#digests = digests;
  }

  /** Asks the Store once where all the Blocks are; rows whose Blocks have no known place, or another size there, stay without. */
  locate(store: Store): void {
    const sealing = capability(store, 'sealing');
    const locator = capability(sealing?.below ?? store, 'location');
    if (locator === undefined) throw new VtError('EUNSUPPORTED', `locate Blocks in "${store.name}": it does not tell`);
    const rows = this.#storedRows();
    if (rows.length === 0) return;
    this.#keys = sealing?.keys;
    const overhead = sealing === undefined ? 0 : SEALED_OVERHEAD;
    const spans = rows.every(({ size }) => size >= 0) ? rows.map(({ size }) => size + overhead) : undefined;
    const digests = rows.map(({ digest }) => digest);
    const locations = locator.locate(sealing === undefined ? digests : namesOf(digests, sealing), spans);
    let lastFile = '';
    let lastNumber = -1;
    for (const [i, { at }] of rows.entries()) {
      const location = locations[i];
      if (location === undefined) continue;
      if (location.file !== lastFile) {
        lastFile = location.file;
        lastNumber = this.#files.indexOf(lastFile);
        if (lastNumber < 0) lastNumber = this.#files.push(lastFile) - 1;
      }
      this.#place(at, lastNumber, location, codecNumber(location.codec));
    }
  }

  /**
   * Asks the Store once for all the Blocks, and keeps what comes in memory, to be verified there. Rows whose Blocks do not come, or have
   * another size, stay without.
   */
  async fetch(store: Store, options: OpOptions): Promise<void> {
    const sealing = capability(store, 'sealing');
    const source = capability(sealing?.below ?? store, 'recordSource');
    if (source === undefined) throw new VtError('EUNSUPPORTED', `get records from "${store.name}": it gives none`);
    this.#keys = sealing?.keys;
    const overhead = sealing === undefined ? 0 : SEALED_OVERHEAD;
    const rowsOf = new Map<string, number[]>();
    const digests: Uint8Array[] = [];
    const spans: number[] = [];
    for (const { at, digest, size } of this.#storedRows()) {
      const key = digestKey(digest);
      const others = rowsOf.get(key);
      if (others !== undefined) others.push(at);
      else {
        rowsOf.set(key, [at]);
        digests.push(digest);
        spans.push(size < 0 ? size : size + overhead);
      }
    }
    if (digests.length === 0) return;
    const names = Buffer.concat(sealing === undefined ? digests : namesOf(digests, sealing));
    const nameSize = names.length / digests.length;
    const cellsOf = new Map([...rowsOf.values()].map((rows, i) => [digestKey(digestAt(names, i, nameSize)), rows]));
    const isKnown = spans.every((span) => span >= 0);
    for await (const batch of source.records(names, isKnown ? spans : undefined, options)) {
      const file = this.#files.push(ownCopy(batch.image)) - 1;
      let at = 0;
      for (let i = 0; i < batch.count; i++) {
        const offset = at + RECORD_FIXED_SIZE + nameSize;
        const [size, storedSize] = [batch.sizes[i] as number, batch.storedSizes[i] as number];
        at = offset + storedSize;
        for (const row of cellsOf.get(digestKey(digestAt(batch.digests, i, nameSize))) ?? [])
          this.#place(row, file, { offset, storedSize, size }, batch.codecs[i] as number);
      }
      batch.release?.();
    }
  }

  #storedRows(): StoredRow[] {
    const rows: StoredRow[] = [];
    for (let row = 0; row < this.#count; row++) {
      const at = row * ROW_SIZE;
      if (this.#cells[at + CELL.kind] !== SEGMENT.stored) continue;
      rows.push({ at, digest: this.digestOf(row), size: this.#cells[at + CELL.size] as number });
    }
    return rows;
  }

  /** Notes where a row's Block is, unless it has another size there. */
  #place(at: number, file: number, place: Pick<BlockLocation, 'offset' | 'storedSize' | 'size'>, codec: number): void {
    const cells = this.#cells;
    const wanted = cells[at + CELL.size] as number;
    const size = this.#keys === undefined ? place.size : place.size - SEALED_OVERHEAD;
    if (size < 0 || (wanted >= 0 && size !== wanted)) return;
    // What is sealed cannot be compressed; a Store that did so all the same is asked for the Block itself.
    if (this.#keys !== undefined && codec !== 0) return;
    cells[at + CELL.file] = file;
    cells[at + CELL.offset] = place.offset;
    cells[at + CELL.storedSize] = place.storedSize;
    cells[at + CELL.size] = size;
    cells[at + CELL.codec] = codec;
    if (wanted < 0) cells[at + CELL.wanted] = size;
  }

  /** Whether every Block of these rows has a known location. */
  isLocated(first: number, end: number): boolean {
    for (let row = first; row < end; row++) if ((this.#cells[row * ROW_SIZE + CELL.file] as number) < 0) return false;
    return true;
  }

  /** The digest of a row's Block. */
  digestOf(row: number): Uint8Array {
    return digestAt(this.#digests, row, this.#digestSize);
  }

  /** Bytes of a row's Block; -1 while they are not known. */
  sizeOf(row: number): number {
    return this.#cells[row * ROW_SIZE + CELL.size] as number;
  }

  /** All of it, copied. */
  pack(): PackedSegments {
    return {
      cells: this.#cells.slice(0, this.#count * ROW_SIZE),
      digests: this.#digests.slice(0, this.#count * this.#digestSize),
      literals: new Uint8Array(this.#literals.view()),
      files: [...this.#files],
      keys: this.#keys,
    };
  }
}

function digestAt(digests: Uint8Array, i: number, size: number): Uint8Array {
  return digests.subarray(i * size, (i + 1) * size);
}

function namesOf(digests: readonly Uint8Array[], sealing: Sealing): Uint8Array[] {
  const names = sealing.names(Buffer.concat(digests));
  const size = names.length / digests.length;
  return digests.map((_, i) => digestAt(names, i, size));
}

/** Bytes in memory that nobody else has, so that it can be transferred to a thread. */
function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
