import { createHash, randomBytes } from 'node:crypto';
import { closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { makeStoreFolder, openOrCreateStoreFile, type StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import type { Block } from '../block/block.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import { DigestFilter } from '../datadir/digest-filter.ts';
import type { LocatedBlocks } from '../datadir/index/index-types.ts';
import { MAX_RUN_RECORDS, sortRecords } from '../datadir/names/name-order.ts';
import type { Side } from '../datadir/names/name-record.ts';
import {
  digestAt,
  digestIn,
  encodeNameRecord,
  fitsRecord,
  isLeafPair,
  isLeafRecord,
  keyOf,
  NAME_RECORD_SIZE,
  type PlacedDigest,
  sidesOf,
  writeLeafRecord,
} from '../datadir/names/name-record.ts';
import { NameRun, writeNameRun } from '../datadir/names/name-run.ts';
import { NAMES_FOLDER, nameFiles } from '../datadir/names/store-names.ts';
import { notesOf } from '../store/cache-notes.ts';
import type { NamedKind, StoreNotes } from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';
import type { Store } from '../store/store.ts';
import type { RenamedLeaves } from './leaf-table.ts';
import { LeafTable } from './leaf-table.ts';

/** Maximum number of unsaved references: some 25 MB. */
const MAX_WAITING = 65_536;
/** Maximum number of unsaved leaves: 22 MB. */
const MAX_LEAVES_WAITING = 262_144;
/** This many files of similar size are merged into one. */
const MERGED_AT_ONCE = 4;

/** A reference that was found. */
export interface FoundName {
  readonly ref: Block;
  /** Whether everything it refers to is in the Store; if false, that must be checked. */
  readonly isWhole: boolean;
}

interface Waiting {
  readonly ref: Block;
  readonly record: Buffer | undefined;
}

/**
 * Maps references of one hash function to those of another, as a transition finds them. It is saved in files of a datadir, so that later
 * transitions need not repeat the work.
 */
export class NameMap implements AsyncDisposable {
  readonly #target: Store;
  readonly #hashes: readonly [HashName, HashName];
  readonly #from: Side;
  readonly #place: { readonly folder: string; readonly access: StoreAccess; readonly lock: number } | undefined;
  readonly #notes: StoreNotes | undefined;
  /** The Store keeps this note until any Block is removed from it. */
  readonly #note: Buffer = randomBytes(NOTE_SIZE);
  /** Files whose contents are complete in the Store, and others; newest last. */
  #whole: NameRun[] = [];
  readonly #others: NameRun[] = [];
  readonly #filter = new DigestFilter();
  #waiting = new Map<string, Waiting>();
  readonly #leaves: LeafTable;
  /** Whether the table may lack places of some leaves. */
  #hasUnplaced = false;
  /** Records of unsaved leaves. */
  #leafRecords = Buffer.alloc(0);
  #leafSize = 0;
  #saving: Promise<void> = Promise.resolve();

  private constructor(
    target: Store,
    from: HashName,
    place: { readonly folder: string; readonly access: StoreAccess; readonly lock: number } | undefined,
  ) {
    this.#target = target;
    this.#hashes = sidesOf(from, target.hashName);
    this.#from = this.#hashes[0] === from ? 0 : 1;
    this.#place = place;
    this.#notes = notesOf(target);
    this.#leaves = new LeafTable(hashByName(from), hashByName(target.hashName));
  }

  /**
   * Opens the map in a datadir, with exclusive access; without a datadir it is in memory.
   *
   * @param target - the Store that receives transcribed Blocks
   * @throws {VtError} ELOCKED if another transition uses the map
   */
  static async open(
    target: Store,
    from: HashName,
    datadir: { readonly path: string; readonly access: StoreAccess } | undefined,
    options: OpOptions = {},
  ): Promise<NameMap> {
    if (datadir === undefined) return new NameMap(target, from, undefined);
    const folder = join(datadir.path, NAMES_FOLDER);
    makeStoreFolder(folder, datadir.access);
    const lock = openOrCreateStoreFile(join(folder, 'lock'), datadir.access);
    if (tryLock(lock) === 'taken') {
      closeSync(lock);
      throw new VtError('ELOCKED', `lock "${folder}": another transition is running`, { remedy: 'wait for its end' });
    }
    const map = new NameMap(target, from, { folder, access: datadir.access, lock });
    await map.#open(folder, options);
    return map;
  }

  async #open(folder: string, options: OpOptions): Promise<void> {
    for (const name of nameFiles(folder)) {
      const run = openRun(join(folder, name));
      if (run?.hashes[0] !== this.#hashes[0] || run.hashes[1] !== this.#hashes[1]) {
        run?.[Symbol.dispose]();
        continue;
      }
      const isWhole = (await this.#notes?.has(this.#noteOf(run.note), options)) === true;
      (isWhole ? this.#whole : this.#others).push(run);
      const records = run.records();
      this.#hasUnplaced ||= records.length > 0;
      for (let at = 0; isWhole && at < records.length && !this.#leaves.isFull; at += NAME_RECORD_SIZE) {
        const [from, to] = [at + digestAt(this.#from), at + digestAt(this.#from === 0 ? 1 : 0)];
        if (isLeafPair(records.subarray(at, at + NAME_RECORD_SIZE))) this.#leaves.put(records, from, records, to);
      }
      this.#remember(records);
    }
  }

  /** Makes a note specific to this map and Store. */
  #noteOf(note: Uint8Array): Uint8Array {
    return createHash('sha256').update('names ').update(note).digest().subarray(0, NOTE_SIZE);
  }

  /** Notes the names that must be looked up in files: those that the table lacks. Swept superblocks count as leaves too. */
  #remember(records: Buffer): void {
    for (let at = 0; at < records.length; at += NAME_RECORD_SIZE) {
      const digestStart = at + digestAt(this.#from);
      if (!isLeafRecord(records, at) || !this.#leaves.has(records, digestStart)) this.#filter.add(records, digestStart);
    }
  }

  /** Whether so many entries are unsaved that `save` is due. */
  get isFull(): boolean {
    return this.#place !== undefined && (this.#waiting.size >= MAX_WAITING || this.#leafSize >= MAX_LEAVES_WAITING * NAME_RECORD_SIZE);
  }

  /** The digest of a leaf in the target Store, as a view; undefined if it is not in memory. The target has the leaf. */
  leaf(digest: Uint8Array): Uint8Array | undefined {
    return this.#leaves.find(digest);
  }

  /** Notes leaves that are in the target Store. @param file - their data file, if they stay in place */
  addLeaves(leaves: RenamedLeaves, file?: string): void {
    const sizes = this.#hashes.map((name) => hashByName(name).digestSize) as [number, number];
    const octets = this.#from === 0 ? ([leaves.before, leaves.after] as const) : ([leaves.after, leaves.before] as const);
    this.#hasUnplaced ||= file === undefined;
    for (let i = 0; i < leaves.count; i++) {
      const added = this.#leaves.add(leaves, i, file);
      if (added === 'known') continue;
      const near = { octets: octets[0], at: i * sizes[0], size: sizes[0] };
      const far = { octets: octets[1], at: i * sizes[1], size: sizes[1] };
      // Unsaved leaf records are only found through the table. If it is full, note a reference instead.
      if (added === 'full' && file === undefined) this.#addBeside(leaves, i);
      else this.#append(leaves.sizes[i] as number, near, far);
    }
    this.#hasUnplaced ||= this.#leaves.isFull;
  }

  #append(span: number, near: PlacedDigest, far: PlacedDigest): void {
    if (this.#leafSize + NAME_RECORD_SIZE > this.#leafRecords.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256 * NAME_RECORD_SIZE, 2 * this.#leafRecords.length));
      grown.set(this.#leafRecords);
      this.#leafRecords = grown;
    }
    writeLeafRecord(this.#leafRecords, this.#leafSize, span, near, far);
    this.#leafSize += NAME_RECORD_SIZE;
  }

  #addBeside({ before, after, sizes }: RenamedLeaves, i: number): void {
    const block = (hashName: HashName, digests: Uint8Array): Block => {
      const { digestSize } = hashByName(hashName);
      return {
        kind: 'hash',
        span: sizes[i] as number,
        hashcode: { hashName, digest: digests.slice(i * digestSize, (i + 1) * digestSize) },
      };
    };
    this.add('bytes', block(this.#hashes[this.#from], before), block(this.#target.hashName, after));
  }

  /** Finds the target Store's reference for a reference. */
  get(kind: NamedKind, ref: Block): FoundName | undefined {
    const key = keyOf(ref);
    if (key === undefined) return undefined;
    const waiting = this.#waiting.get(waitingKey(kind, key));
    if (waiting !== undefined) return { ref: waiting.ref, isWhole: true };
    const { digest } = key;
    const leaf = kind === 'bytes' && ref.kind === 'hash' ? this.#leaves.find(digest) : undefined;
    if (leaf !== undefined && ref.kind === 'hash')
      return { ref: { ...ref, hashcode: { hashName: this.#target.hashName, digest: leaf } }, isWhole: true };
    if (!this.#filter.mayHave(digest, 0)) return undefined;
    for (const [runs, isWhole] of [[this.#whole, true] as const, [this.#others, false] as const])
      for (let i = runs.length - 1; i >= 0; i--) {
        const found = runs[i]?.find(this.#from, kind, key)?.refs[this.#from === 0 ? 1 : 0];
        if (found !== undefined) return { ref: found, isWhole };
      }
    return undefined;
  }

  /** Yields the places of swept leaves by their digests in the target Store. A digest is valid until the next one. */
  places(): LocatedBlocks {
    const leaves = this.#leaves;
    return { length: leaves.count, [Symbol.iterator]: () => leaves.places() };
  }

  /** Yields the other saved leaves: their digests, and those in the target Store. Both are valid until the next ones. */
  *unplacedLeaves(): Generator<readonly [digest: Uint8Array, to: Uint8Array], void, undefined> {
    const sizes = this.#hashes.map((name) => hashByName(name).digestSize);
    const other = this.#from === 0 ? 1 : 0;
    for (const run of this.#hasUnplaced ? [...this.#others, ...this.#whole] : []) {
      const records = run.records();
      for (let at = 0; at < records.length; at += NAME_RECORD_SIZE) {
        const record = records.subarray(at, at + NAME_RECORD_SIZE);
        const digest = digestIn(record, this.#from).subarray(0, sizes[this.#from]);
        if (isLeafPair(record) && !this.#leaves.hasPlace(digest)) yield [digest, digestIn(record, other).subarray(0, sizes[other])];
      }
    }
  }

  /** Notes the target Store's reference for a reference, after everything it refers to was added there. */
  add(kind: NamedKind, ref: Block, to: Block): void {
    const key = keyOf(ref);
    const pair = { kind, refs: this.#from === 0 ? ([ref, to] as const) : ([to, ref] as const) };
    const record = fitsRecord(pair) ? encodeNameRecord(pair) : undefined;
    if (key === undefined && record === undefined) return;
    this.#hasUnplaced ||= kind === 'bytes' && to.kind === 'hash';
    this.#waiting.set(key === undefined ? `-${record?.toString('latin1')}` : waitingKey(kind, key), { ref: to, record });
  }

  /**
   * Makes the added Blocks durable, and then the noted names.
   *
   * @param flushed - makes sure that all earlier adds have reached the Store
   */
  async save(flushed: () => Promise<void>, options: OpOptions = {}): Promise<void> {
    const save = this.#saving.then(async () => await this.#save(flushed, options));
    this.#saving = save.catch(() => undefined);
    await save;
  }

  async #save(flushed: () => Promise<void>, options: OpOptions): Promise<void> {
    const taken = [...this.#waiting.entries()];
    const leaves = this.#leafRecords.subarray(0, this.#leafSize);
    [this.#leafRecords, this.#leafSize] = [Buffer.alloc(0), 0];
    await flushed();
    await this.#notes?.add(this.#noteOf(this.#note), options);
    await this.#target.flush(options);
    // Without a datadir they stay in memory.
    if (this.#place === undefined || (taken.length === 0 && leaves.length === 0)) return;
    const records = Buffer.concat([leaves, ...taken.flatMap(([, { record }]) => record ?? [])]);
    this.#remember(records);
    for (let at = 0; at < records.length; at += MAX_RUN_RECORDS * NAME_RECORD_SIZE)
      this.#whole.push(this.#write(records.subarray(at, at + MAX_RUN_RECORDS * NAME_RECORD_SIZE)));
    for (const [key, waiting] of taken) if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    this.#merge((runs) => runs.length >= MERGED_AT_ONCE);
    syncFolder(this.#place.folder);
  }

  #write(records: Buffer): NameRun {
    if (this.#place === undefined) throw new TypeError('write a map of names: it is kept in memory');
    const { folder, access } = this.#place;
    return NameRun.open(writeNameRun(folder, { hashes: this.#hashes, note: this.#note }, sortRecords(records), access));
  }

  /** Merges several files of similar size into one. @param isDue - decides whether to merge these */
  #merge(isDue: (runs: readonly NameRun[]) => boolean): void {
    for (let least = 1; least < MAX_RUN_RECORDS; least *= MERGED_AT_ONCE) {
      const small = this.#whole.filter(({ count }) => count >= least && count < least * MERGED_AT_ONCE);
      const sum = small.reduce((total, { count }) => total + count, 0);
      if (small.length < 2 || sum > MAX_RUN_RECORDS || !isDue(small)) continue;
      const merged = this.#write(Buffer.concat(small.map((run) => run.records())));
      this.#whole = [...this.#whole.filter((run) => !small.includes(run)), merged];
      // Make the new file's name durable before the old files are removed, in case of a power failure.
      if (this.#place !== undefined) syncFolder(this.#place.folder);
      for (const run of small) {
        run[Symbol.dispose]();
        rmSync(run.path, { force: true });
      }
    }
  }

  /** Closes its files. Unsaved names are lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving;
    if (this.#place !== undefined) {
      this.#merge(() => true);
      closeSync(this.#place.lock);
    }
    for (const run of [...this.#whole, ...this.#others]) run[Symbol.dispose]();
  }
}

function waitingKey(kind: NamedKind, { digest, form }: { readonly digest: Uint8Array; readonly form: number }): string {
  return `${kind[0]}${form}${digestKey(digest)}`;
}

function openRun(path: string): NameRun | undefined {
  try {
    return NameRun.open(path);
  } catch (error) {
    // Ignore a damaged file: its names are found again.
    if (error instanceof VtError && error.code === 'EPARSE') return undefined;
    throw error;
  }
}
