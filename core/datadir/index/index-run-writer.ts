import { randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../base/crc32.ts';
import { createStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import { PAGE_HEADER_SIZE, PAGE_SIZE, pageSeed, prefixAt, recordsPerPage, sealPage } from './index-pages.ts';
import type { RecordShape } from './index-records.ts';
import type { RunInfo } from './index-run.ts';
import { VALUES_SUFFIX } from './index-run.ts';

/** Bytes of pages and of values that are written at a time. */
const WRITE_SIZE = 256 * 1024;

/** Where a run goes. */
interface RunTarget {
  writePages(octets: Buffer): void;
  writeValues(octets: Buffer): void;
}

/** Puts records, which come in the order of their keys, into pages. */
class RunPages {
  readonly #stride: number;
  readonly #keySize: number;
  readonly #perPage: number;
  readonly #seed: number;
  readonly #target: RunTarget;
  readonly #octets = Buffer.allocUnsafeSlow(WRITE_SIZE);
  #pageAt = 0;
  #onPage = 0;
  readonly #fences: number[] = [];
  #count = 0;
  #values: Buffer[] = [];
  #valuesWaiting = 0;
  #valuesSize = 0;

  constructor(shape: RecordShape, name: string, target: RunTarget) {
    this.#keySize = shape.keySize;
    this.#stride = shape.keySize + shape.valueSize;
    this.#perPage = recordsPerPage(shape);
    this.#seed = pageSeed(name, 0);
    this.#target = target;
  }

  /** Adds the record that is at a place; its value may be given apart. */
  add(octets: Uint8Array, at: number, value?: Uint8Array): void {
    if (this.#onPage === this.#perPage) this.#endPage();
    const to = this.#pageAt + PAGE_HEADER_SIZE + this.#onPage * this.#stride;
    if (this.#onPage === 0) this.#fences.push(prefixAt(octets, at));
    // A loop is quicker than a call for as few bytes.
    for (let i = 0; i < this.#stride; i++) this.#octets[to + i] = octets[at + i] as number;
    if (value !== undefined) this.#octets.set(value, to + this.#keySize);
    this.#onPage++;
    this.#count++;
  }

  /** Adds bytes to the values that are apart. @returns where they are. They are kept for a while, not copied */
  addValue(octets: Buffer): number {
    const at = this.#valuesSize;
    this.#values.push(octets);
    this.#valuesSize += octets.length;
    this.#valuesWaiting += octets.length;
    if (this.#valuesWaiting >= WRITE_SIZE) this.#writeValues();
    return at;
  }

  #writeValues(): void {
    if (this.#valuesWaiting > 0) this.#target.writeValues(Buffer.concat(this.#values));
    this.#values = [];
    this.#valuesWaiting = 0;
  }

  #endPage(): void {
    const page = this.#octets.subarray(this.#pageAt, this.#pageAt + PAGE_SIZE);
    page.fill(0, PAGE_HEADER_SIZE + this.#onPage * this.#stride);
    sealPage(page, this.#onPage, (this.#seed + this.#fences.length - 1) >>> 0);
    this.#onPage = 0;
    this.#pageAt += PAGE_SIZE;
    if (this.#pageAt === WRITE_SIZE) this.#writePages();
  }

  #writePages(): void {
    if (this.#pageAt > 0) this.#target.writePages(this.#octets.subarray(0, this.#pageAt));
    this.#pageAt = 0;
  }

  /** Writes what waits. @returns the fences with their check */
  end(): Buffer {
    if (this.#onPage > 0) this.#endPage();
    this.#writePages();
    this.#writeValues();
    const fences = Buffer.allocUnsafe(this.#fences.length * 4 + 4);
    for (const [i, fence] of this.#fences.entries()) fences.writeUInt32BE(fence, i * 4);
    fences.writeUInt32BE(crc32(fences.subarray(0, -4), this.#seed), this.#fences.length * 4);
    return fences;
  }

  info(name: string): RunInfo {
    return { name, pages: this.#fences.length, count: this.#count, valuesSize: this.#valuesSize };
  }
}

/** Writes a run to a file that nobody knows of until a head names it. */
export class RunFileWriter {
  readonly #path: string;
  readonly #name: string;
  readonly #fd: number;
  #valuesFd: number | undefined;
  readonly #pages: RunPages;
  #isEnded = false;

  constructor(folder: string, shape: RecordShape, access: StoreAccess) {
    this.#name = `${randomUUID()}.run`;
    this.#path = join(folder, this.#name);
    const fd = createStoreFile(this.#path, access);
    this.#fd = fd;
    this.#pages = new RunPages(shape, this.#name, {
      writePages: (octets) => writeAll(fd, octets),
      writeValues: (octets) => {
        this.#valuesFd ??= createStoreFile(this.#path + VALUES_SUFFIX, access);
        writeAll(this.#valuesFd, octets);
      },
    });
  }

  /** See {@link RunPages.add}. */
  add(octets: Uint8Array, at: number, value?: Uint8Array): void {
    this.#pages.add(octets, at, value);
  }

  /** See {@link RunPages.addValue}. */
  addValue(octets: Buffer): number {
    return this.#pages.addValue(octets);
  }

  /** Ends it. @param sync - make it durable first */
  end(sync: boolean): RunInfo {
    writeAll(this.#fd, this.#pages.end());
    if (sync) fdatasyncSync(this.#fd);
    this.#isEnded = true;
    return this.#pages.info(this.#name);
  }

  /** Closes it; one that was not ended is removed. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (this.#valuesFd !== undefined) closeSync(this.#valuesFd);
    if (!this.#isEnded) removeRun(this.#path);
  }
}

/** Removes the files of a run, as far as they are there. */
export function removeRun(path: string): void {
  for (const file of [path, path + VALUES_SUFFIX]) {
    try {
      unlinkSync(file);
    } catch {
      // Not there, or not ours to remove: no head names it.
    }
  }
}

/** Makes a run in memory: its pages, and the values behind them. */
export class MemoryRunWriter {
  readonly #pages: RunPages;
  readonly #parts: Buffer[] = [];
  readonly #values: Buffer[] = [];
  readonly #name: string;

  constructor(name: string, shape: RecordShape) {
    this.#name = name;
    this.#pages = new RunPages(shape, name, {
      writePages: (octets) => void this.#parts.push(Buffer.from(octets)),
      writeValues: (octets) => void this.#values.push(octets),
    });
  }

  /** See {@link RunPages.add}. */
  add(octets: Uint8Array, at: number, value?: Uint8Array): void {
    this.#pages.add(octets, at, value);
  }

  /** See {@link RunPages.addValue}. */
  addValue(octets: Buffer): number {
    return this.#pages.addValue(octets);
  }

  /** Ends it. */
  end(): { readonly info: RunInfo; readonly octets: Buffer } {
    this.#pages.end();
    return { info: this.#pages.info(this.#name), octets: Buffer.concat([...this.#parts, ...this.#values]) };
  }
}

function writeAll(fd: number, octets: Buffer): void {
  for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at);
}
