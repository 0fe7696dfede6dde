import { ByteWriter } from '../base/byte-writer.ts';
import { VtError } from '../base/errors.ts';
import { capability } from '../store/capability.ts';
import { codecNumber } from '../store/records/datafile.ts';
import type { Store } from '../store/store.ts';

/** Numbers of a row, one row for each segment: a piece of content, in order of its place in the file. */
export const ROW_SIZE = 8;

/** What stands where in a row. */
export const CELL = {
  /** One of {@link SEGMENT}. */
  kind: 0,
  /** Of a stored segment: which of the files; -1 while its Block has no known location. */
  file: 1,
  /** First stored octet in its file; of `data`, in the literals; of `run`, the octet itself. */
  offset: 2,
  /** Octets stored. */
  storedSize: 3,
  /** Octets of the Block. */
  size: 4,
  /** First octet of the Block that is wanted. */
  from: 5,
  /** Octets that are wanted. */
  wanted: 6,
  /** The number of its codec. */
  codec: 7,
} as const;

/** Kinds of segments: one octet over and over, octets given at hand, a part of a Block that lies in a file. */
export const SEGMENT = { run: 0, data: 1, stored: 2 } as const;

/** Segments with all that they refer to, in memory that can be transferred to a thread. */
export interface PackedSegments {
  readonly cells: Float64Array<ArrayBuffer>;
  /** A digest for each row, of account for the stored ones. */
  readonly digests: Uint8Array<ArrayBuffer>;
  readonly literals: Uint8Array<ArrayBuffer>;
  /** Files that hold stored Blocks. */
  readonly files: readonly string[];
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
  readonly #files: string[] = [];
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

  /** Octets at hand; copied. */
  data(data: Uint8Array): void {
    this.#add(SEGMENT.data, 0, this.#literals.length, 0, data.length, 0, data.length);
    this.#literals.bytes(data);
  }

  /**
   * A part of a Block that has yet to be located.
   *
   * @param source - holds the Block's digest, at `digestAt`; it is copied
   * @param size - octets of the Block; -1 where that is unknown
   * @param from - first octet that is wanted
   * @param wanted - octets that are wanted
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

  /** Asks the Store once where all the Blocks lie; rows whose Blocks have no known place, or another size there, stay without. */
  locate(store: Store): void {
    const locator = capability(store, 'location');
    if (locator === undefined) throw new VtError('EUNSUPPORTED', `locate Blocks in "${store.name}": it does not tell`);
    const rows: number[] = [];
    const digests: Uint8Array[] = [];
    const spans: number[] = [];
    let spansKnown = true;
    for (let row = 0; row < this.#count; row++) {
      const at = row * ROW_SIZE;
      if (this.#cells[at + CELL.kind] !== SEGMENT.stored) continue;
      const size = this.#cells[at + CELL.size] as number;
      spansKnown &&= size >= 0;
      rows.push(at);
      digests.push(this.#digests.subarray(row * this.#digestSize, (row + 1) * this.#digestSize));
      spans.push(size);
    }
    if (rows.length === 0) return;
    const locations = locator.locate(digests, spansKnown ? spans : undefined);
    const cells = this.#cells;
    let lastFile = '';
    let lastNumber = -1;
    for (let i = 0; i < rows.length; i++) {
      const location = locations[i];
      const at = rows[i] as number;
      const size = cells[at + CELL.size] as number;
      if (location === undefined || (size >= 0 && location.size !== size)) continue;
      if (location.file !== lastFile) {
        lastFile = location.file;
        lastNumber = this.#files.indexOf(lastFile);
        if (lastNumber < 0) lastNumber = this.#files.push(lastFile) - 1;
      }
      cells[at + CELL.file] = lastNumber;
      cells[at + CELL.offset] = location.offset;
      cells[at + CELL.storedSize] = location.storedSize;
      cells[at + CELL.size] = location.size;
      cells[at + CELL.codec] = codecNumber(location.codec);
      if (size < 0) cells[at + CELL.wanted] = location.size;
    }
  }

  /** Whether every Block of these rows has a known location. */
  isLocated(first: number, end: number): boolean {
    for (let row = first; row < end; row++) if ((this.#cells[row * ROW_SIZE + CELL.file] as number) < 0) return false;
    return true;
  }

  /** Octets of a row's Block; -1 while they are not known. */
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
    };
  }
}
