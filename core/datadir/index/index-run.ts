import { closeSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../base/crc32.ts';
import { readFully } from '../../base/system/read-fully.ts';
import { openStoreFile } from '../../base/system/store-files.ts';
import { lowerBound, PAGE_HEADER_SIZE, PAGE_SIZE, pageCount, pageSeed, prefixAt, recordsPerPage } from './index-pages.ts';
import type { RecordShape } from './index-records.ts';
import { IndexDamagedError } from './index-types.ts';

/** Pages kept in memory, of all runs of an index together: 32 MiB. */
const MAX_KEPT_PAGES = 8192;
/** Pages that a cursor reads at a time. */
const CURSOR_PAGES = 64;
/** The end of a run's file: the CRC of its fences. */
const CHECK_SIZE = 4;
/** What is put to the name of a run for the file of its values. */
export const VALUES_SUFFIX = '.values';

/** What an index's head says of a run. */
export interface RunInfo {
  /** The file's name within the index; of the run that is in the head itself a name that no file has. */
  readonly name: string;
  readonly pages: number;
  /** Records, those counted that take others away. */
  readonly count: number;
  /** Bytes of the values that are in a file of their own; 0 where there is none. */
  readonly valuesSize: number;
}

/** The pages that all runs of an index keep in memory. */
export class PageBudget {
  #kept = 0;
  readonly #runs = new Set<IndexRun>();

  /** A run keeps one more. */
  note(run: IndexRun): void {
    this.#runs.add(run);
    if (++this.#kept <= MAX_KEPT_PAGES) return;
    for (const one of this.#runs) one.forgetPages();
    this.#runs.clear();
    this.#kept = 0;
  }
}

/**
 * A run: records that were written at one time, in the order of their keys, and are never changed. Its pages are in a
 * file, or in memory. Behind them are the fences, the first four bytes of each page: one page is read for a look-up.
 */
export class IndexRun {
  readonly info: RunInfo;
  readonly shape: RecordShape;
  readonly perPage: number;
  readonly #seed: number;
  readonly #memory: Buffer | undefined;
  readonly #fd: number;
  readonly #valuesFd: number;
  readonly #budget: PageBudget;
  #fences: Uint32Array | undefined;
  #pages = new Map<number, Buffer>();

  private constructor(
    info: RunInfo,
    shape: RecordShape,
    budget: PageBudget,
    source: { memory?: Buffer; fd?: number; valuesFd?: number | undefined },
  ) {
    this.info = info;
    this.shape = shape;
    this.perPage = recordsPerPage(shape);
    this.#seed = pageSeed(info.name, 0);
    this.#budget = budget;
    this.#memory = source.memory;
    this.#fd = source.fd ?? -1;
    this.#valuesFd = source.valuesFd ?? -1;
  }

  /** A run whose pages are in memory, and its values behind them. */
  static inMemory(info: RunInfo, shape: RecordShape, octets: Buffer): IndexRun {
    return new IndexRun(info, shape, new PageBudget(), { memory: octets });
  }

  /**
   * Opens a run's file.
   *
   * @throws {IndexDamagedError} where it is not as long as it should be; the system's error where it cannot be opened
   */
  static open(folder: string, info: RunInfo, shape: RecordShape, budget: PageBudget): IndexRun {
    const fd = openStoreFile(join(folder, info.name), 'read');
    let valuesFd: number | undefined;
    try {
      const size = info.pages * (PAGE_SIZE + 4) + CHECK_SIZE;
      if (fstatSync(fd).size !== size) throw new IndexDamagedError(`"${info.name}" has the wrong size`);
      if (info.valuesSize > 0) {
        valuesFd = openStoreFile(join(folder, info.name + VALUES_SUFFIX), 'read');
        if (fstatSync(valuesFd).size !== info.valuesSize) throw new IndexDamagedError(`the values of "${info.name}" are truncated`);
      }
      return new IndexRun(info, shape, budget, { fd, valuesFd });
    } catch (error) {
      closeSync(fd);
      if (valuesFd !== undefined) closeSync(valuesFd);
      throw error;
    }
  }

  /** Closes its files. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    if (this.#valuesFd >= 0) closeSync(this.#valuesFd);
    this.forgetPages();
  }

  /** Gives up the pages that it keeps in memory. */
  forgetPages(): void {
    this.#pages = new Map();
  }

  /** The value of a key, valid for as long as it is kept, or undefined. @throws {IndexDamagedError} where what would hold it is damaged */
  find(key: Uint8Array): Buffer | undefined {
    const fences = this.#readFences();
    const prefix = prefixAt(key, 0);
    const { keySize, valueSize } = this.shape;
    // Pages may begin with the same bytes, and the record may be at the end of the page before them.
    for (let number = Math.max(0, lowerBound(fences, prefix) - 1); number < fences.length; number++) {
      if ((fences[number] as number) > prefix) return undefined;
      const page = this.#page(number);
      const at = this.#search(page, key, prefix);
      if (at === undefined) continue;
      if (page.compare(key, 0, keySize, at, at + keySize) !== 0) return undefined;
      return page.subarray(at + keySize, at + keySize + valueSize);
    }
    return undefined;
  }

  /** Where in a page the first record is whose key is not below `key`. */
  #search(page: Buffer, key: Uint8Array, prefix: number): number | undefined {
    const { keySize, valueSize } = this.shape;
    const stride = keySize + valueSize;
    const count = page.readUInt16BE(4);
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = PAGE_HEADER_SIZE + middle * stride;
      const found = prefixAt(page, at);
      const isBelow = found === prefix ? page.compare(key, 0, keySize, at, at + keySize) < 0 : found < prefix;
      if (isBelow) low = middle + 1;
      else high = middle;
    }
    return low === count ? undefined : PAGE_HEADER_SIZE + low * stride;
  }

  /** Bytes of the values that are apart; fewer where the file ends. */
  readValues(offset: number, size: number): Buffer {
    if (offset + size > this.info.valuesSize) throw new IndexDamagedError(`a value lies outside "${this.info.name}"`);
    if (this.#memory !== undefined) {
      const start = this.info.pages * PAGE_SIZE + offset;
      return this.#memory.subarray(start, start + size);
    }
    const out = Buffer.allocUnsafeSlow(size);
    return out.subarray(0, readFully(this.#valuesFd, out, offset));
  }

  /** A cursor before the first record, or before the first behind a key. */
  cursor(after?: Uint8Array): RunCursor {
    if (after === undefined) return new RunCursor(this, 0, PAGE_HEADER_SIZE);
    const fences = this.#readFences();
    const prefix = prefixAt(after, 0);
    const { keySize, valueSize } = this.shape;
    for (let number = Math.max(0, lowerBound(fences, prefix) - 1); number < fences.length; number++) {
      const page = this.#page(number);
      const at = this.#search(page, after, prefix);
      if (at === undefined) continue;
      const isSame = page.compare(after, 0, keySize, at, at + keySize) === 0;
      return new RunCursor(this, number, isSame ? at + keySize + valueSize : at);
    }
    return new RunCursor(this, fences.length, PAGE_HEADER_SIZE);
  }

  #page(number: number): Buffer {
    const kept = this.#pages.get(number);
    if (kept !== undefined) return kept;
    const page = Buffer.allocUnsafeSlow(PAGE_SIZE);
    this.readPages(number, page);
    this.#pages.set(number, page);
    if (this.#memory === undefined) this.#budget.note(this);
    return page;
  }

  /**
   * Reads pages, and checks them.
   *
   * @param target - of whole pages
   * @throws {IndexDamagedError} where one is damaged
   */
  readPages(first: number, target: Buffer): void {
    const size = this.#read(first * PAGE_SIZE, target);
    for (let at = 0; at < target.length; at += PAGE_SIZE) {
      const number = first + at / PAGE_SIZE;
      const isWhole = at + PAGE_SIZE <= size;
      if (!isWhole || pageCount(target.subarray(at, at + PAGE_SIZE), (this.#seed + number) >>> 0, this.perPage) === undefined)
        throw new IndexDamagedError(`page ${number} of "${this.info.name}" is damaged`);
    }
  }

  #read(offset: number, target: Buffer): number {
    if (this.#memory !== undefined) return this.#memory.copy(target, 0, offset, offset + target.length);
    try {
      return readFully(this.#fd, target, offset);
    } catch (error) {
      throw new IndexDamagedError(`"${this.info.name}" cannot be read: ${(error as Error).message}`);
    }
  }

  #readFences(): Uint32Array {
    if (this.#fences !== undefined) return this.#fences;
    const { pages, name } = this.info;
    const fences = new Uint32Array(pages);
    if (this.#memory === undefined) {
      const octets = Buffer.allocUnsafeSlow(pages * 4 + CHECK_SIZE);
      const size = this.#read(pages * PAGE_SIZE, octets);
      if (size !== octets.length || octets.readUInt32BE(pages * 4) !== crc32(octets.subarray(0, pages * 4), this.#seed))
        throw new IndexDamagedError(`the fences of "${name}" are damaged`);
      for (let i = 0; i < pages; i++) fences[i] = octets.readUInt32BE(i * 4);
    } else for (let i = 0; i < pages; i++) fences[i] = prefixAt(this.#memory, i * PAGE_SIZE + PAGE_HEADER_SIZE);
    this.#fences = fences;
    return fences;
  }
}

/** Goes over the records of a run in order. */
export class RunCursor {
  readonly run: IndexRun;
  /** Where the record at hand is. */
  octets: Buffer = Buffer.alloc(0);
  at = 0;
  /** The first four bytes of its key. */
  prefix = 0;
  #nextPage: number;
  #nextAt: number;
  /** End of the records of the page at hand, in `octets`. */
  #end = 0;
  #pageAt = 0;

  constructor(run: IndexRun, page: number, at: number) {
    this.run = run;
    this.#nextPage = page;
    this.#nextAt = at;
  }

  /** Goes to the next record. @returns whether there is one */
  next(): boolean {
    const { keySize, valueSize } = this.run.shape;
    const stride = keySize + valueSize;
    let at = this.#nextAt;
    while (at >= this.#end) {
      const offset = this.#end === 0 ? at : PAGE_HEADER_SIZE;
      if (!this.#turn()) return false;
      at = this.#pageAt + offset;
    }
    this.at = at;
    this.prefix = prefixAt(this.octets, at);
    this.#nextAt = at + stride;
    return true;
  }

  #turn(): boolean {
    this.#pageAt += PAGE_SIZE;
    if (this.#pageAt >= this.octets.length) {
      const pages = Math.min(CURSOR_PAGES, this.run.info.pages - this.#nextPage);
      if (pages <= 0) return false;
      const octets = Buffer.allocUnsafeSlow(pages * PAGE_SIZE);
      this.run.readPages(this.#nextPage, octets);
      this.octets = octets;
      this.#nextPage += pages;
      this.#pageAt = 0;
    }
    const { keySize, valueSize } = this.run.shape;
    this.#end = this.#pageAt + PAGE_HEADER_SIZE + this.octets.readUInt16BE(this.#pageAt + 4) * (keySize + valueSize);
    return true;
  }
}
