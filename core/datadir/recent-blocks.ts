import { codecByNumber } from '../store/records/datafile.ts';
import type { RecordLayout } from '../store/records/record-layout.ts';
import type { LocatedBlocks, Location } from './index/index-types.ts';

/** Blocks that there is room for at first. */
const INITIAL_CAPACITY = 4096;

/** Of a Block whose place only the index knows. */
const FILE_UNKNOWN = 0xffff;
/** Of a Block that is not to be found any more. */
const FILE_GONE = 0xfffe;

/** What a layout knows of each Block. */
type PlacedColumns = Pick<RecordLayout, 'offsets' | 'storedSizes' | 'codecs'>;

/** A Block that waits for the index. */
export interface WaitingBlock {
  /** As {@link RecentBlocks.find} gives it. */
  readonly entry: number;
  readonly digest: Uint8Array;
  readonly location: Location;
}

/**
 * Where Blocks are that were added lately. Those that wait for the index are in the order in which they came. Of those that it
 * has there are as many as fit. Columns and an open hash table take 60 bytes a Block. A Map of strings and objects took 27 µs of
 * the main thread a Block, garbage collection included.
 */
export class RecentBlocks {
  readonly #digestSize: number;
  readonly #limit: number;
  #digests: Uint8Array;
  #offsets: Float64Array;
  #sizes: Uint32Array;
  #storedSizes: Uint32Array;
  #codecs: Uint8Array;
  #files: Uint16Array;
  /** Entry numbers plus one, at or after the place that a digest's first bytes give. */
  #table: Int32Array;
  #count = 0;
  /** Entries before this one are in the index. */
  #indexed = 0;
  /** Entries dropped so far: what positions are counted from. */
  #dropped = 0;
  readonly #fileNames: string[] = [];

  /** @param limit - indexed Blocks kept */
  constructor(digestSize: number, limit: number) {
    this.#digestSize = digestSize;
    this.#limit = limit;
    this.#digests = new Uint8Array(INITIAL_CAPACITY * digestSize);
    this.#offsets = new Float64Array(INITIAL_CAPACITY);
    this.#sizes = new Uint32Array(INITIAL_CAPACITY);
    this.#storedSizes = new Uint32Array(INITIAL_CAPACITY);
    this.#codecs = new Uint8Array(INITIAL_CAPACITY);
    this.#files = new Uint16Array(INITIAL_CAPACITY);
    this.#table = new Int32Array(INITIAL_CAPACITY * 2);
  }

  /** Where the next Block will be: counts all that ever were added. */
  get position(): number {
    return this.#dropped + this.#count;
  }

  /** Position of the first Block that waits for the index. */
  get indexedTo(): number {
    return this.#dropped + this.#indexed;
  }

  /** The entry of a digest that is in `digests` at an offset, or -1. */
  find(digests: Uint8Array, at: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    const size = this.#digestSize;
    const known = this.#digests;
    for (let slot = tableSlot(digests, at) & mask; ; slot = (slot + 1) & mask) {
      const entry = (table[slot] as number) - 1;
      if (entry < 0) return -1;
      let i = 0;
      for (let k = entry * size; i < size && known[k + i] === digests[at + i]; ) i++;
      if (i === size && this.#files[entry] !== FILE_GONE) return entry;
    }
  }

  /** Adds a Block whose place {@link place} gives. */
  add(digests: Uint8Array, at: number, size: number): void {
    if (this.#count === this.#sizes.length) this.#grow();
    const entry = this.#count++;
    const digestSize = this.#digestSize;
    for (let i = 0; i < digestSize; i++) this.#digests[entry * digestSize + i] = digests[at + i] as number;
    this.#sizes[entry] = size;
    this.#files[entry] = FILE_UNKNOWN;
    this.#insert(entry);
  }

  /**
   * Says where the Blocks from a position on are.
   *
   * @param start - where in the file the layout begins
   * @param layout - that of these Blocks, in their order
   */
  place(from: number, file: string, start: number, { offsets, storedSizes, codecs }: PlacedColumns): void {
    const number = this.#numberOf(file);
    for (let entry = from - this.#dropped, k = 0; entry < this.#count; entry++, k++) {
      this.#offsets[entry] = start + (offsets[k] as number);
      this.#storedSizes[entry] = storedSizes[k] as number;
      this.#codecs[entry] = codecs[k] as number;
      this.#files[entry] = number;
    }
  }

  /** Takes back the Blocks from a position on: they could not be written. */
  forgetFrom(position: number): void {
    this.#count = position - this.#dropped;
    this.#rebuildTable(this.#table.length);
  }

  /** Adds a Block that the index has. Only where no Block waits for the index. */
  addIndexed(digest: Uint8Array): void {
    this.add(digest, 0, 0);
    this.#indexed = this.#count;
  }

  /** The Block of an entry is not there, or damaged. */
  remove(entry: number): void {
    this.#files[entry] = FILE_GONE;
  }

  /** The Blocks of a file that wait for the index, as they are now; digests are copies. */
  waitingIn(file: string): WaitingBlock[] {
    const number = this.#fileNames.lastIndexOf(file);
    const size = this.#digestSize;
    const found: WaitingBlock[] = [];
    for (let entry = this.#indexed; entry < this.#count; entry++) {
      const location = this.#files[entry] === number ? this.location(entry) : undefined;
      if (location !== undefined) found.push({ entry, digest: this.#digests.slice(entry * size, (entry + 1) * size), location });
    }
    return found;
  }

  /** Whether no Block waits for the index. */
  get isAllIndexed(): boolean {
    return this.#indexed === this.#count;
  }

  /** Whether the Block of an entry waits for the index. */
  isWaiting(entry: number): boolean {
    return entry >= this.#indexed;
  }

  /** Where the Block of an entry is, or undefined where only the index knows. */
  location(entry: number): Location | undefined {
    const file = this.#fileNames[this.#files[entry] as number];
    if (file === undefined) return undefined;
    return {
      file,
      offset: this.#offsets[entry] as number,
      storedSize: this.#storedSizes[entry] as number,
      size: this.#sizes[entry] as number,
      codec: codecByNumber(this.#codecs[entry] as number),
    };
  }

  /** The Blocks that wait for the index up to a position, in the order in which they came. Digests are views. */
  waiting(upTo: number): LocatedBlocks {
    const first = this.#indexed;
    const last = upTo - this.#dropped;
    return { length: last - first, [Symbol.iterator]: () => this.#located(first, last) };
  }

  *#located(first: number, last: number): Generator<readonly [digest: Uint8Array, location: Location], void, undefined> {
    const size = this.#digestSize;
    const digests = this.#digests;
    for (let entry = first; entry < last; entry++) {
      const location = this.location(entry);
      if (location !== undefined) yield [digests.subarray(entry * size, (entry + 1) * size), location];
    }
  }

  /** Says that the index has the Blocks up to a position. @returns whether there was no more room for all of them: `dropIndexed` makes some */
  markIndexed(upTo: number): boolean {
    this.#indexed = upTo - this.#dropped;
    return this.#indexed > this.#limit;
  }

  /** Forgets the Blocks that the index has. @param onDrop - called with each: its digest is in the array at the offset */
  dropIndexed(onDrop: (digests: Uint8Array, at: number) => void): void {
    const dropped = this.#indexed;
    const size = this.#digestSize;
    for (let entry = 0; entry < dropped; entry++) onDrop(this.#digests, entry * size);
    this.#digests.copyWithin(0, dropped * size, this.#count * size);
    for (const column of [this.#offsets, this.#sizes, this.#storedSizes, this.#codecs, this.#files])
      column.copyWithin(0, dropped, this.#count);
    this.#count -= dropped;
    this.#dropped += dropped;
    this.#indexed = 0;
    this.#rebuildTable(this.#table.length);
  }

  /** Forgets all Blocks that the index has. */
  forgetIndexed(): void {
    this.dropIndexed(() => undefined);
  }

  #numberOf(file: string): number {
    const known = this.#fileNames.lastIndexOf(file);
    if (known >= 0) return known;
    if (this.#fileNames.length === FILE_GONE) throw new RangeError('add Blocks: more data files than one session can tell apart');
    return this.#fileNames.push(file) - 1;
  }

  #insert(entry: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = tableSlot(this.#digests, entry * this.#digestSize) & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = entry + 1;
  }

  #rebuildTable(length: number): void {
    if (length === this.#table.length) this.#table.fill(0);
    else this.#table = new Int32Array(length);
    for (let entry = 0; entry < this.#count; entry++) this.#insert(entry);
  }

  #grow(): void {
    const capacity = this.#sizes.length * 2;
    this.#digests = grown(new Uint8Array(capacity * this.#digestSize), this.#digests);
    this.#offsets = grown(new Float64Array(capacity), this.#offsets);
    this.#sizes = grown(new Uint32Array(capacity), this.#sizes);
    this.#storedSizes = grown(new Uint32Array(capacity), this.#storedSizes);
    this.#codecs = grown(new Uint8Array(capacity), this.#codecs);
    this.#files = grown(new Uint16Array(capacity), this.#files);
    this.#rebuildTable(capacity * 2);
  }
}

function tableSlot(digests: Uint8Array, at: number): number {
  return (
    (digests[at + 4] as number) |
    ((digests[at + 5] as number) << 8) |
    ((digests[at + 6] as number) << 16) |
    ((digests[at + 7] as number) << 24)
  );
}

function grown<T extends { set(from: T): void }>(target: T, from: T): T {
  target.set(from);
  return target;
}
