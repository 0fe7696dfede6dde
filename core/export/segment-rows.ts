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

/** Numbers per row. A row is one segment: a piece of content. Rows are in the order of the file. */
export const ROW_SIZE = 8;

/** The columns of a row. */
export const CELL = {
  /** One of {@link SEGMENT}. */
  kind: 0,
  /** For `stored`, the index in `files`; -1 while the location of its Block is unknown. */
  file: 1,
  /** For `stored`, the offset of the stored bytes in the file; for `data`, that in the literals; for `run`, the byte itself. */
  offset: 2,
  /** Bytes stored. */
  storedSize: 3,
  /** Bytes of the Block. */
  size: 4,
  /** The offset in the Block of the first byte wanted. */
  from: 5,
  /** The number of bytes wanted. */
  wanted: 6,
  /** The number of its codec. */
  codec: 7,
} as const;

/** Kinds of segments: a repeated byte, literal bytes, or a part of a stored Block. */
export const SEGMENT = { run: 0, data: 1, stored: 2 } as const;

/** Segments and the data that they refer to, in memory that can be transferred to a thread. */
export interface PackedSegments {
  readonly cells: Float64Array<ArrayBuffer>;
  /** A digest for each row. Only those of `stored` rows have a meaning. */
  readonly digests: Uint8Array<ArrayBuffer>;
  readonly literals: Uint8Array<ArrayBuffer>;
  /** The places of stored Blocks: paths of files, or records in memory. */
  readonly files: readonly (string | Uint8Array<ArrayBuffer>)[];
  /** Set if all stored Blocks are sealed: the keys. `size` is then the number of bytes before sealing. */
  readonly keys?: BlockKeyOctets | undefined;
}

/** A row of kind `stored`, and its Block. */
interface StoredRow {
  /** The index of its first cell. */
  readonly at: number;
  readonly digest: Uint8Array;
  /** Bytes of the Block; -1 if unknown. */
  readonly size: number;
}

/** Whether a Store has the capability `location`, or is a sealed Store over one that has it. */
export function canLocate(store: Store): boolean {
  return capability(capability(store, 'sealing')?.below ?? store, 'location') !== undefined;
}

/**
 * Segments as rows of numbers. An export handles 65,000 Blocks per GiB. Objects for each of them, packed and unpacked for a worker, took
 * a fifth of its time.
 */
export class SegmentRows {
  readonly #digestSize: number;
  #cells: Float64Array<ArrayBuffer>;
  #digests: Uint8Array<ArrayBuffer>;
  readonly #literals = new ByteWriter(64);
  readonly #files: (string | Uint8Array<ArrayBuffer>)[] = [];
  #keys: BlockKeyOctets | undefined;
  #count = 0;

  /** @param capacity - initial number of rows to allocate, 1 or more */
  constructor(digestSize: number, capacity = 64) {
    this.#digestSize = digestSize;
    this.#cells = new Float64Array(capacity * ROW_SIZE);
    this.#digests = new Uint8Array(capacity * digestSize);
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  /** Adds `octet`, `size` times. */
  run(octet: number, size: number): void {
    this.#add(SEGMENT.run, 0, octet, 0, size, 0, size);
  }

  /** Adds literal bytes, which are copied. */
  data(data: Uint8Array): void {
    this.#add(SEGMENT.data, 0, this.#literals.length, 0, data.length, 0, data.length);
    this.#literals.bytes(data);
  }

  /**
   * Adds a part of a Block, which must be located or fetched later.
   *
   * @param source - contains the Block's digest at `digestAt`; it is copied
   * @param size - bytes of the Block; -1 if unknown
   * @param from - the offset in the Block of the first byte wanted
   * @param wanted - the number of bytes wanted
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

  /**
   * Locates all Blocks with one call of the Store. Rows whose Blocks have no location, or another size there, remain without.
   *
   * @throws {VtError} EUNSUPPORTED if the Store has no locations
   */
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
   * Fetches all Blocks with one call of the Store, and keeps their records in memory, still unverified. Rows whose Blocks are missing, or
   * have another size, remain without location.
   *
   * @throws {VtError} EUNSUPPORTED if the Store gives no records; else the Store's error
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

  /** Sets the location of a row's Block, unless the size there is wrong. */
  #place(at: number, file: number, place: Pick<BlockLocation, 'offset' | 'storedSize' | 'size'>, codec: number): void {
    const cells = this.#cells;
    const wanted = cells[at + CELL.size] as number;
    const size = this.#keys === undefined ? place.size : place.size - SEALED_OVERHEAD;
    if (size < 0 || (wanted >= 0 && size !== wanted)) return;
    // Sealed Blocks are not compressible. If a Store compressed one anyway, it is read through the Store.
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

  /** Bytes of a row's Block; -1 while unknown. */
  sizeOf(row: number): number {
    return this.#cells[row * ROW_SIZE + CELL.size] as number;
  }

  /** Returns a copy of everything. */
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

/** A copy in memory of its own, which can be transferred to a thread. */
function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
