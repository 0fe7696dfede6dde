import { fstatSync } from 'node:fs';
import { basename } from 'node:path';
import { ClosedError, throwIfCancelled, VtError } from '../../base/errors.ts';
import { appendAll } from '../../base/lists.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { errorReason } from '../../base/system/system-error.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE, GAP_KIND, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { DatafileIndex } from '../../store/records/datafile-index.ts';
import { decodeFooter } from '../../store/records/datafile-index.ts';
import type { ReadAt, StatePlace } from '../../store/records/trailer.ts';
import { readTrailer } from '../../store/records/trailer.ts';
import type { Location } from '../index/index-types.ts';
import { scanPythonDatafile } from '../python-vt/python-datafile-scan.ts';
import type { ScannedRecord, ScanResult } from './datafile-scan.ts';
import { scanDatafile } from './datafile-scan.ts';
import type { DatafileStart } from './datafile-start.ts';
import { readAtOf } from './read-at.ts';

/** A data file that is open. */
interface OpenedDatafile {
  readonly fd: number;
  readonly path: string;
  /** Of its Store, for errors. */
  readonly name: string;
  /** Called with a sentence about each part of the file that is damaged. */
  readonly onNotice: (notice: string) => void;
}

/**
 * Where the Blocks of one data file are. The index at its end tells, if there is one; else a scan, which begins at once. What a writer
 * appends later is found by another scan from there on, when a Block is asked for that is not known.
 */
export class FoundRecords {
  /** Of a one-file Store: where the records of its Dirents begin, oldest first, as far as they are known. */
  readonly states: StatePlace[] = [];
  readonly #fd: number;
  readonly #path: string;
  readonly #name: string;
  readonly #start: DatafileStart;
  readonly #hash: HashFunction;
  readonly #readAt: ReadAt;
  readonly #onNotice: (notice: string) => void;
  /** The file has Dirents beside its Blocks, or may have. */
  readonly #hasStates: boolean;
  readonly #index: DatafileIndex | undefined;
  readonly #locations = new Map<string, Location>();
  readonly #told = new Set<string>();
  readonly #closing = new AbortController();
  /** Those who wait for a Block, by its digest. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #scanning: Promise<void> | undefined;
  #failure: VtError | undefined;
  #scannedTo: number;
  #seenSize = 0;
  /** The next record that a scan finds is that of a Dirent. */
  #isDirentNext: boolean;

  constructor({ fd, path, name, onNotice }: OpenedDatafile, start: DatafileStart) {
    this.#fd = fd;
    this.#path = path;
    this.#name = name;
    this.#start = start;
    this.#hash = hashByName(start.hashName);
    this.#readAt = readAtOf(fd);
    this.#onNotice = onNotice;
    const isOneFile = start.header?.isOneFile === true;
    // Of a file whose header is damaged the first record says what it is.
    this.#hasStates = isOneFile || start.distrust;
    this.#isDirentNext = this.#hasStates;
    this.#scannedTo = start.header === undefined ? 0 : DATAFILE_HEADER_SIZE;
    if (start.distrust) this.#tell(`data file "${path}": its header is damaged; looking for records in it`);
    const { size } = fstatSync(fd);
    const trailer = isOneFile ? readTrailer(this.#readAt, size, this.#hash.digestSize) : undefined;
    this.#index = trailer?.index;
    if (trailer !== undefined) {
      appendAll(this.states, trailer.states);
      this.#scannedTo = size;
      this.#seenSize = size;
    } else if (isOneFile) {
      this.#tell(`data file "${path}": its index cannot be read, or is cut off; looking for what is there`);
    }
    this.#scan();
  }

  /** Where a Block is, as far as that is known. */
  known(key: string): Location | undefined {
    const found = this.#locations.get(key);
    if (found !== undefined || this.#index === undefined) return found;
    const place = this.#index.find(digestOfKey(key));
    return place && { ...place, file: basename(this.#path) };
  }

  /** Where a Block is, as soon as a scan has found it; undefined once the file has been scanned to its end. */
  async find(key: string, options: OpOptions): Promise<Location | undefined> {
    for (;;) {
      const found = this.known(key);
      if (found !== undefined || !this.#scan()) return found;
      await this.#met(key, options.signal);
      this.#throwIfOver('get from', options);
    }
  }

  /** Every Block of the file, once it has been scanned to its end. @returns the keys of their digests */
  async keys(options: OpOptions): Promise<Set<string>> {
    await this.scanned(options);
    const keys = new Set(this.#locations.keys());
    if (this.#index !== undefined) for (const [digest] of this.#index.entries()) keys.add(digestKey(digest));
    return keys;
  }

  /** Waits until the file has been scanned to its end. */
  async scanned(options: OpOptions): Promise<void> {
    while (this.#scan()) {
      await this.#scanning;
      this.#throwIfOver('read', options);
    }
  }

  /** Ends a scan that runs. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#scanning;
  }

  /** Scans what has come since the last scan, if anything has. @returns whether a scan runs; throws what ended the last one early */
  #scan(): boolean {
    if (this.#scanning !== undefined) return true;
    if (this.#failure !== undefined) throw this.#failure;
    const end = fstatSync(this.#fd).size;
    if (end === this.#seenSize) return false;
    this.#scanning = this.#scanTo(end)
      .catch((error: unknown) => {
        this.#failure = new VtError('EFAILED', `read data file "${this.#path}": ${errorReason(error)}`, { cause: error });
      })
      .finally(() => {
        this.#scanning = undefined;
        for (const waiters of [...this.#waiting.values()]) for (const wake of waiters) wake();
        this.#waiting.clear();
      });
    return true;
  }

  async #scanTo(end: number): Promise<void> {
    // What opens the Store continues first.
    await nextTurn();
    const file = basename(this.#path);
    const options = {
      start: this.#scannedTo,
      end,
      hash: this.#hash,
      onGap: ({ kind, offset, size }: { readonly kind: number; readonly offset: number; readonly size: number }) => {
        if (kind === GAP_KIND.footer) this.#meetFooter(offset, size);
      },
      onRecord: ({ digest, offset, storedSize, size, codec }: ScannedRecord) => {
        const key = digestKey(digest);
        if (this.#isDirentNext) this.states.push({ offset: offset - RECORD_FIXED_SIZE - digest.length, whenNs: undefined });
        this.#isDirentNext = false;
        this.#locations.set(key, { file, offset, storedSize, size, codec });
        for (const wake of this.#waiting.get(key) ?? []) wake();
        this.#waiting.delete(key);
      },
      pause: nextTurn,
      signal: this.#closing.signal,
    };
    const { isOurs, distrust } = this.#start;
    const result = isOurs ? await scanDatafile(this.#fd, { ...options, distrust }) : await scanPythonDatafile(this.#fd, options);
    this.#scannedTo = result.indexedTo;
    this.#seenSize = end;
    this.#tellDamage(result);
  }

  /** A state ends where a footer is, which says when it was recorded; the next record is the Dirent of another. */
  #meetFooter(offset: number, size: number): void {
    this.#isDirentNext = this.#hasStates;
    const last = this.states.at(-1);
    const footer = decodeFooter(this.#readAt(offset, size));
    if (last !== undefined && footer !== undefined) this.states[this.states.length - 1] = { ...last, whenNs: footer.whenNs };
  }

  #tellDamage({ damage }: ScanResult): void {
    for (const { start, end, kind } of damage) {
      this.#tell(
        kind === 'tail'
          ? `data file "${this.#path}": it ends inside a record, at byte ${start}; what stands before it counts`
          : `data file "${this.#path}": damaged at bytes ${start}..${end}; the Blocks there are lost`,
      );
    }
  }

  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#onNotice(notice);
  }

  /** Waits until a scan finds a Block, or ends. */
  async #met(key: string, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), wake]);
    });
  }

  #throwIfOver(action: string, options: OpOptions): void {
    if (this.#closing.signal.aborted) throw new ClosedError(action, this.#name);
    throwIfCancelled(options.signal);
  }
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
