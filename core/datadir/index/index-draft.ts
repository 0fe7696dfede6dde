import { hash } from 'node:crypto';
import { crc32 } from '../../base/crc32.ts';
import { largestOf } from '../../base/lists.ts';
import type { StoreAccess } from '../../base/system/store-files.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import { blockShape, CACHE_KEY_SIZE, CACHE_SHAPE, type IndexHead, type RunList } from './index-head.ts';
import { IndexRecords, MAX_RECORDS, type RecordShape } from './index-records.ts';
import { IndexRun } from './index-run.ts';
import { MemoryRunWriter, RunFileWriter, removeRun } from './index-run-writer.ts';
import type { OpenState } from './index-state.ts';
import type { FileMarks, Location } from './index-types.ts';
import { decodePlace, encodeLocation, encodePlace, isNoLocation, NO_LOCATION } from './index-values.ts';

/** Bytes of the newest records of a kind that are in the head: it is written with every change. */
const MAX_RECENT_SIZE = 64 * 1024;
/** The names of the runs in the head. */
const RECENT_BLOCKS = 'recent blocks';
const RECENT_CACHE = 'recent cache';

/** The key of a record for what is put into the cache under a key of any length. */
export function cacheRecordKey(key: Uint8Array): Uint8Array {
  return hash('sha256', key, 'buffer').subarray(0, CACHE_KEY_SIZE);
}

/** A change of an index on its way: the state before, and what is to be another. Runs that it writes are named by nobody yet. */
export class IndexDraft {
  readonly #folder: string;
  readonly #access: StoreAccess;
  readonly #before: OpenState;
  readonly #shape: RecordShape;
  readonly #files: Map<string, FileMarks & { readonly number: number }>;
  readonly #settings: Record<string, string>;
  #blocks: RunList;
  #cache: RunList;
  #records: IndexRecords | undefined;
  #values: Map<string, Uint8Array> | undefined;
  #nextNumber: number;
  readonly #written: string[] = [];

  constructor(folder: string, access: StoreAccess, before: OpenState) {
    this.#folder = folder;
    this.#access = access;
    this.#before = before;
    const { head, fileNames } = before;
    this.#shape = blockShape(head.hashName);
    this.#files = new Map(head.files);
    this.#settings = { ...head.settings };
    this.#blocks = head.blocks;
    this.#cache = head.cache;
    this.#nextNumber = 1 + largestOf(fileNames.keys());
  }

  /** The number that means a data file. */
  #numberFor(name: string): number {
    const known = this.#files.get(name);
    if (known !== undefined) return known.number;
    const number = this.#nextNumber++;
    this.#files.set(name, { number, indexedTo: 0, seenSize: 0 });
    return number;
  }

  /** Says how far a data file is known. */
  setMarks(name: string, { indexedTo, seenSize }: FileMarks): void {
    this.#files.set(name, { number: this.#numberFor(name), indexedTo, seenSize });
  }

  /** Sets a setting. */
  setSetting(name: string, value: string): void {
    this.#settings[name] = value;
  }

  /** Says where a Block is; undefined takes it out. */
  setBlock(digest: Uint8Array, location: Location | undefined): void {
    this.#records ??= this.#newRecords();
    if (this.#records.count === MAX_RECORDS) {
      this.#endRecords();
      this.#records = new IndexRecords(this.#shape, MAX_RECORDS / 4);
    }
    this.#records.add(digest, location === undefined ? NO_LOCATION : encodeLocation(location, this.#numberFor(location.file)));
  }

  #newRecords(): IndexRecords {
    const records = new IndexRecords(this.#shape);
    const { recent } = this.#blocks;
    if (recent === undefined) return records;
    const { keySize } = this.#shape;
    const cursor = IndexRun.inMemory(recent.info, this.#shape, recent.octets).cursor();
    while (cursor.next()) {
      const { octets, at } = cursor;
      records.add(octets.subarray(at, at + keySize), octets.subarray(at + keySize, at + keySize + this.#shape.valueSize));
    }
    return records;
  }

  #endRecords(): void {
    const records = this.#records;
    if (records === undefined) return;
    this.#records = undefined;
    const { files } = this.#blocks;
    const { octets } = records;
    const { keySize, valueSize } = this.#shape;
    let places = records.inOrder();
    // Where nothing is older there is nothing to take away.
    if (files.length === 0) places = places.filter((at) => !isNoLocation(octets, at + keySize));
    if (places.length === 0) this.#blocks = { files, recent: undefined };
    else if (places.length * (keySize + valueSize) <= MAX_RECENT_SIZE) {
      const writer = new MemoryRunWriter(RECENT_BLOCKS, this.#shape);
      for (const at of places) writer.add(octets, at);
      this.#blocks = { files, recent: writer.end() };
    } else {
      using writer = new RunFileWriter(this.#folder, this.#shape, this.#access);
      for (const at of places) writer.add(octets, at);
      const info = writer.end(true);
      this.#written.push(info.name);
      this.#blocks = { files: [...files, info], recent: undefined };
    }
  }

  /** Puts a value into the cache. */
  setValue(key: Uint8Array, value: Uint8Array): void {
    this.#values ??= this.#recentValues();
    this.#values.set(digestKey(cacheRecordKey(key)), value);
  }

  #recentValues(): Map<string, Uint8Array> {
    const values = new Map<string, Uint8Array>();
    const { recent } = this.#cache;
    if (recent === undefined) return values;
    const run = IndexRun.inMemory(recent.info, CACHE_SHAPE, recent.octets);
    const cursor = run.cursor();
    while (cursor.next()) {
      const { offset, size } = decodePlace(cursor.octets, cursor.at + CACHE_KEY_SIZE);
      values.set(digestKey(cursor.octets.subarray(cursor.at, cursor.at + CACHE_KEY_SIZE)), run.readValues(offset, size));
    }
    return values;
  }

  #endValues(): void {
    const values = this.#values;
    if (values === undefined || values.size === 0) return;
    let size = values.size * (CACHE_KEY_SIZE + CACHE_SHAPE.valueSize);
    for (const value of values.values()) size += value.length;
    const { files } = this.#cache;
    if (size <= MAX_RECENT_SIZE) {
      const writer = new MemoryRunWriter(RECENT_CACHE, CACHE_SHAPE);
      addValues(writer, values);
      this.#cache = { files, recent: writer.end() };
      return;
    }
    using writer = new RunFileWriter(this.#folder, CACHE_SHAPE, this.#access);
    addValues(writer, values);
    // What is lost of a cache is found to be none: it need not outlive a loss of power.
    const info = writer.end(false);
    this.#written.push(info.name);
    this.#cache = { files: [...files, info], recent: undefined };
  }

  /** Drops the whole cache. */
  clearCache(): void {
    this.#values = undefined;
    this.#cache = { files: [], recent: undefined };
  }

  /** Ends the change. @returns the head that says it */
  end(): IndexHead {
    const isChanged = this.#records !== undefined || this.#written.length > 0;
    this.#endRecords();
    this.#endValues();
    const { head } = this.#before;
    return {
      ...head,
      changes: head.changes + (isChanged ? 1 : 0),
      settings: this.#settings,
      files: this.#files,
      blocks: this.#blocks,
      cache: this.#cache,
    };
  }

  /** Removes what it has written: no head will name it. */
  discard(): void {
    for (const name of this.#written) removeRun(`${this.#folder}/${name}`);
  }
}

function addValues(writer: MemoryRunWriter | RunFileWriter, values: ReadonlyMap<string, Uint8Array>): void {
  for (const key of [...values.keys()].sort()) {
    const value = Buffer.from(values.get(key) ?? []);
    const offset = writer.addValue(value);
    writer.add(digestOfKey(key), 0, encodePlace({ offset, size: value.length, crc: crc32(value) }));
  }
}
