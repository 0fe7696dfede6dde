import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Archive } from '../archive/archive.ts';
import { ClosedError, CorruptBlockError, ParseError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorReason } from '../base/system/system-error.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { DEFAULT_HASH_NAME, hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { Offers } from '../store/capability.ts';
import type { DatafileHeader } from '../store/records/datafile.ts';
import {
  DATAFILE_HEADER_SIZE,
  DATAFILE_MAGIC,
  decodeDatafileHeader,
  decodeRecordHeader,
  GAP_KIND,
  RECORD_FIXED_SIZE,
} from '../store/records/datafile.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import { decodeFooter } from '../store/records/datafile-index.ts';
import type { StatePlace } from '../store/records/trailer.ts';
import { readTrailer } from '../store/records/trailer.ts';
import type { AddResult, Store } from '../store/store.ts';
import { DatafileReaders } from './datafiles/datafile-readers.ts';
import type { ScannedRecord, ScanResult } from './datafiles/datafile-scan.ts';
import { scanDatafile } from './datafiles/datafile-scan.ts';
import { readLocatedBlock } from './datafiles/located-block.ts';
import type { Location } from './index/index-types.ts';
import type { FileState } from './one-file-archive.ts';
import { OneFileArchive } from './one-file-archive.ts';
import { scanPythonDatafile } from './python-vt/python-datafile-scan.ts';

/** What the Python vt uses unless told otherwise. */
const PYTHON_DEFAULT_HASH: HashName = 'blake3';

export interface RawDatafileOptions {
  readonly name: string;
  /** Of a file of the Python vt, which does not say; of ours it must be the file's own. */
  readonly hashName?: HashName | undefined;
  /** Told, in a sentence, of each part of the file that is damaged. */
  readonly onNotice: (notice: string) => void;
}

/**
 * The Blocks of one `.vtd` file, ours or the Python vt's, read in place. A scan begins when it is opened; a Block that
 * it has not met yet is waited for, and is not there when the scan ends without it. What a writer appends later is
 * found by another scan from there on, when a Block is asked for that is not known.
 */
export class RawDatafile implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #path: string;
  readonly #fd: number;
  readonly #isOurs: boolean;
  readonly #hash: HashFunction;
  readonly #onNotice: (notice: string) => void;
  readonly #readers: DatafileReaders;
  readonly #locations = new Map<string, Location>();
  /** What the file's end tells of where its Blocks are. */
  readonly #index: DatafileIndex | undefined;
  /** Of a one-file Store: where the records of its Dirents begin. */
  readonly #states: StatePlace[] = [];
  readonly #createdNs: bigint;
  /** The next record that a scan meets is that of a Dirent. */
  #isDirentNext = false;
  readonly #told = new Set<string>();
  readonly #closing = new AbortController();
  /** Those who wait for a Block, by its digest. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #scanning: Promise<void> | undefined;
  #failure: VtError | undefined;
  #scannedTo: number;
  #seenSize = 0;
  #distrust = false;
  #closed = false;

  constructor(path: string, options: RawDatafileOptions) {
    this.#path = path;
    this.name = options.name;
    this.#onNotice = options.onNotice;
    this.#readers = new DatafileReaders(dirname(path));
    this.#fd = openFile(path, options.name);
    try {
      const { isOurs, hashName, distrust, header } = this.#readStart(options);
      this.#isOurs = isOurs;
      this.hashName = hashName;
      this.#distrust = distrust;
      this.#scannedTo = isOurs && !distrust ? DATAFILE_HEADER_SIZE : 0;
      this.#hash = hashByName(hashName);
      this.#createdNs = header?.createdNs ?? 0n;
      // Of a file whose header is damaged the first record tells what it is.
      this.#isDirentNext = header?.isOneFile === true || distrust;
      this.offers = {
        access: { write: false },
        enumeration: this,
        location: this,
        ...(this.#isDirentNext ? { archives: { open: (name: string) => this.#archive(name) } } : {}),
      };
      const size = fstatSync(this.#fd).size;
      const trailer =
        header?.isOneFile === true ? readTrailer((at, length) => this.#readAt(at, length), size, this.#hash.digestSize) : undefined;
      this.#index = trailer?.index;
      if (trailer !== undefined) {
        appendAll(this.#states, trailer.states);
        this.#scannedTo = size;
        this.#seenSize = size;
      } else if (header?.isOneFile === true) {
        this.#tell(`data file "${path}": its index cannot be read, or is cut off; looking for what is there`);
      }
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.#startScan();
  }

  #readStart({ name, hashName: asked }: RawDatafileOptions): {
    readonly isOurs: boolean;
    readonly hashName: HashName;
    readonly distrust: boolean;
    readonly header?: DatafileHeader;
  } {
    const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
    const data = head.subarray(0, readSync(this.#fd, head, 0, head.length, 0));
    const isOurs = data.subarray(0, DATAFILE_MAGIC.length).equals(DATAFILE_MAGIC);
    if (!isOurs) return { isOurs, hashName: asked ?? PYTHON_DEFAULT_HASH, distrust: false };
    const start = decodeDatafileHeader(data);
    switch (start.kind) {
      case 'newer':
        throw new VtError('EOPEN', `open Store "${name}": version ${start.version} of data files is newer than this program`, {
          remedy: 'use a later vtftp',
        });
      case 'header':
        if (asked !== undefined && asked !== start.header.hashName) {
          throw new VtError('EOPEN', `open Store "${name}": its hash function is ${start.header.hashName}`, {
            remedy: `leave out hash=${asked}`,
          });
        }
        return { isOurs, hashName: start.header.hashName, distrust: false, header: start.header };
      default:
        this.#tell(`data file "${this.#path}": its header is damaged; looking for records in it`);
        return { isOurs, hashName: asked ?? DEFAULT_HASH_NAME, distrust: true };
    }
  }

  /** Scans what has come since the last scan, if anything has. @returns whether a scan runs; throws what ended the last one early */
  #startScan(): boolean {
    if (this.#scanning !== undefined) return true;
    if (this.#failure !== undefined) throw this.#failure;
    const end = fstatSync(this.#fd).size;
    if (end === this.#seenSize) return false;
    const scanning = this.#scan(end)
      .catch((error: unknown) => {
        this.#failure = new VtError('EFAILED', `read data file "${this.#path}": ${errorReason(error)}`, { cause: error });
      })
      .finally(() => {
        this.#scanning = undefined;
        for (const waiters of [...this.#waiting.values()]) for (const wake of waiters) wake();
        this.#waiting.clear();
      });
    this.#scanning = scanning;
    return true;
  }

  async #scan(end: number): Promise<void> {
    // What opens the Store goes on first.
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
        if (this.#isDirentNext) this.#states.push({ offset: offset - RECORD_FIXED_SIZE - digest.length, whenNs: undefined });
        this.#isDirentNext = false;
        this.#locations.set(key, { file, offset, storedSize, size, codec });
        for (const wake of this.#waiting.get(key) ?? []) wake();
        this.#waiting.delete(key);
      },
      pause: nextTurn,
      signal: this.#closing.signal,
    };
    const result = this.#isOurs
      ? await scanDatafile(this.#fd, { ...options, distrust: this.#distrust })
      : await scanPythonDatafile(this.#fd, options);
    this.#scannedTo = result.indexedTo;
    this.#seenSize = end;
    this.#tellDamage(result);
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

  /** Where a Block lies, as soon as a scan has met it, or undefined once the file has been scanned to its end. */
  async #find(key: string, options: OpOptions): Promise<Location | undefined> {
    for (;;) {
      const found = this.#known(key);
      if (found !== undefined || !this.#startScan()) return found;
      await this.#wait(key, options.signal);
      this.#check('get from', options);
    }
  }

  /** A state ends where a footer stands, which says when it was recorded; the next record is the Dirent of another. */
  #meetFooter(offset: number, size: number): void {
    this.#isDirentNext = this.offers.archives !== undefined;
    const last = this.#states.at(-1);
    const footer = decodeFooter(this.#readAt(offset, size));
    if (last !== undefined && footer !== undefined) this.#states[this.#states.length - 1] = { ...last, whenNs: footer.whenNs };
  }

  /** Where a Block lies, as far as that is known. */
  #known(key: string): Location | undefined {
    const found = this.#locations.get(key);
    if (found !== undefined || this.#index === undefined) return found;
    const place = this.#index.find(digestOfKey(key));
    return place && { ...place, file: basename(this.#path) };
  }

  #archive(name: string): Archive {
    const isDefault = name === 'default';
    return new OneFileArchive(isDefault ? this.#path : `${this.#path}@${name}`, async (options) => {
      if (!isDefault) return [];
      await this.#scanned(options);
      const states = this.#states.map((state) => this.#readState(state));
      // Where the header is damaged the file may be no one-file Store: then its first record is no Dirent.
      return this.#distrust ? states.filter((state) => !(state instanceof VtError)) : states;
    });
  }

  #readState({ offset, whenNs }: StatePlace): FileState {
    const headerSize = RECORD_FIXED_SIZE + this.#hash.digestSize;
    const header = decodeRecordHeader(this.#readAt(offset, headerSize), 0, this.#hash.digestSize);
    const damaged = (what: string): VtError => new VtError('ECORRUPT', `read data file "${this.#path}": ${what}, at byte ${offset}`);
    if (header === undefined || header.codec !== 'none') return damaged('no Dirent stands where one should');
    const data = this.#readAt(offset + headerSize, header.storedSize);
    if (Buffer.compare(this.#hash.digest(data), header.digest) !== 0) return damaged('its Dirent is damaged');
    try {
      const { value: dirent, next } = decodeDirent(data, 0);
      return next === data.length ? { whenNs: whenNs ?? this.#createdNs, dirent } : damaged('more than a Dirent stands there');
    } catch (error) {
      if (error instanceof ParseError) return damaged('no Dirent stands where one should');
      throw error;
    }
  }

  #readAt(offset: number, size: number): Buffer {
    const data = Buffer.allocUnsafe(Math.max(0, size));
    let length = 0;
    while (length < data.length) {
      const read = readSync(this.#fd, data, length, data.length - length, offset + length);
      if (read === 0) break;
      length += read;
    }
    return data.subarray(0, length);
  }

  async #wait(key: string, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), wake]);
    });
  }

  async #scanned(options: OpOptions): Promise<void> {
    while (this.#startScan()) {
      await this.#scanning;
      this.#check('read', options);
    }
  }

  add(): Promise<AddResult> {
    return Promise.reject(this.#refusal());
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(this.#refusal());
  }

  #refusal(): VtError {
    return this.#closed ? new ClosedError('add to', this.name) : new ReadOnlyError('add to', this.name, { remedy: 'add to a datadir' });
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    const location = await this.#find(digestKey(hashcode.digest), options);
    if (location === undefined) return undefined;
    const found = readLocatedBlock(this.#readers, location, hashcode.digest, this.#hash);
    if (found.kind === 'block') return found.data;
    const reason = found.kind === 'damaged' ? found.reason : 'the data file is gone or cut short';
    throw new CorruptBlockError(hashcodeLabel(hashcode), this.#path, `${reason}, at byte ${location.offset}`, {
      remedy: 'get the Block from another Store',
    });
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const found: boolean[] = [];
    for (const { hashName, digest } of hashcodes) {
      found.push(hashName === this.hashName && (await this.#find(digestKey(digest), options)) !== undefined);
    }
    return found;
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    return await Promise.resolve();
  }

  locate(digests: readonly Uint8Array[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    return digests.map((digest) => {
      const found = this.#known(digestKey(digest));
      if (found === undefined || found.codec === 'unknown') return undefined;
      const { offset, storedSize, size, codec } = found;
      return { file: this.#path, offset, storedSize, size, codec };
    });
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    await this.#scanned(options);
    const keys = new Set(this.#locations.keys());
    if (this.#index !== undefined) for (const [digest] of this.#index.entries()) keys.add(digestKey(digest));
    for (const key of [...keys].sort()) {
      this.#check('list', options);
      yield { hashName: this.hashName, digest: digestOfKey(key) };
    }
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    await this.#scanning;
    this.#readers.close();
    closeSync(this.#fd);
  }
}

function openFile(path: string, name: string): number {
  try {
    // A FIFO is no file, and is not waited at.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    throw new VtError('EOPEN', `open Store "${name}": ${errorReason(error)}`, {
      cause: error,
      remedy: 'name a .vtd file that can be read',
    });
  }
  throw new VtError('EOPEN', `open Store "${name}": it is not a file`, {
    remedy: 'name a .vtd file, or the folder of a datadir without file:',
  });
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
