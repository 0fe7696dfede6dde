import { basename } from 'node:path';
import { BufferPool } from '../base/buffer-pool.ts';
import { CorruptBlockError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { OtherNames } from '../store/capabilities.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { RecordSource } from './datadir-records.ts';
import { BATCH_SIZE, readStoredRecords } from './datadir-records.ts';
import type { DatafileReaders } from './datafiles/datafile-readers.ts';
import { locateRuns } from './datafiles/locate-runs.ts';
import { readLocatedBlock } from './datafiles/located-block.ts';
import type { Location } from './index/index-types.ts';
import { IndexDamagedError } from './index/index-types.ts';
import type { KnownBlocks } from './known-blocks.ts';
import { digestInStore } from './names/record-names.ts';

/** Maximum unused images of records whose memory is kept for reuse. */
const MAX_KEPT_IMAGES = 8;

/** The parts of a datadir that reading needs. */
export interface DatadirReadsParts {
  readonly name: string;
  readonly hash: HashFunction;
  readonly index: DatadirIndex;
  readonly readers: DatafileReaders;
  readonly known: KnownBlocks;
  readonly names: Pick<OtherNames, 'find'>;
  /** Whether each record has its digest before its stored bytes. */
  readonly hasDigests: boolean;
  /** Throws if the Store is closed or the signal has fired. */
  check(action: string, options: OpOptions): void;
  /** Called with a damaged Block. */
  onDamage(digest: Uint8Array, location: Location): void;
}

/** Finds and reads Blocks of a datadir, also if gc of another session moves them, or the index is wrong. */
export class DatadirReads {
  readonly #parts: DatadirReadsParts;
  readonly #turns = new EventTurns();
  readonly #images = new BufferPool(BATCH_SIZE, MAX_KEPT_IMAGES);

  constructor(parts: DatadirReadsParts) {
    this.#parts = parts;
  }

  /** Gets a Block, and verifies it. @see Store.get */
  async get(hashcode: HashCode, options: OpOptions): Promise<Uint8Array | undefined> {
    this.#parts.check('get from', options);
    if (hashcode.hashName !== this.#parts.hash.name) return undefined;
    const turn = this.#turns.next(options.signal);
    if (turn !== undefined) await turn;
    if (!this.#parts.index.isReady) await this.#parts.index.ready(options.signal);
    // Use the index without a refresh first. To check for later commits takes longer than the lookup, and is only done if this fails.
    const known = this.#locateSafely(hashcode.digest);
    if (known !== undefined && known.isDamaged !== true) {
      const found = readLocatedBlock(this.#parts.readers, known, hashcode.digest, this.#parts.hash);
      if (found.kind === 'block') return found.data;
    }
    const location = await this.#find(hashcode.digest, options);
    return location === undefined ? undefined : this.#read(hashcode, location, options);
  }

  async #find(digest: Uint8Array, options: OpOptions): Promise<Location | undefined> {
    try {
      const location = this.#locate(digest);
      if (location !== undefined) return location;
      // Another process may have died before it updated the index.
      if (!(await this.#parts.index.lookAgain(options.signal))) return undefined;
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      await this.rebuildIndex(error, options);
    }
    await this.#parts.index.ready(options.signal);
    return this.#locate(digest);
  }

  /** Makes the index again. @throws `error` if that was already done and did not help */
  async rebuildIndex(error: IndexDamagedError, options: OpOptions): Promise<void> {
    if (!(await this.#parts.index.rebuild(error.message, options.signal))) throw error;
    this.#parts.check('use', options);
  }

  async #read(hashcode: HashCode, location: Location, options: OpOptions): Promise<Uint8Array | undefined> {
    const first = readLocatedBlock(this.#parts.readers, location, hashcode.digest, this.#parts.hash);
    if (first.kind === 'block') return first.data;
    if (first.kind === 'gone') {
      // gc may have moved it between lookup and reading.
      this.#parts.index.refresh();
      const moved = this.#parts.index.get(hashcode.digest);
      if (moved !== undefined && moved.file !== location.file) return await this.#read(hashcode, moved, options);
    }
    // The record's header shows whether the Block is damaged there, or the index is wrong.
    if (first.kind === 'gone' || (this.#parts.hasDigests && !this.#isRecordOf(location, hashcode.digest))) {
      this.#parts.readers.forget(location.file);
      const done = await this.#parts.index.rebuild(`it names bytes of "${location.file}" which are no such Block`, options.signal);
      this.#parts.check('get from', options);
      const again = this.#locate(hashcode.digest);
      if (again === undefined) return undefined;
      const second = readLocatedBlock(this.#parts.readers, again, hashcode.digest, this.#parts.hash);
      if (second.kind === 'block') return second.data;
      if (done && second.kind === 'gone') return undefined;
    }
    this.#parts.onDamage(hashcode.digest, location);
    const reason = first.kind === 'damaged' ? first.reason : 'the data file is truncated';
    throw new CorruptBlockError(hashcodeLabel(hashcode), this.#parts.readers.path(location.file), `${reason}, at byte ${location.offset}`, {
      remedy: 'put the same data again, or pull it from a peer',
    });
  }

  #isRecordOf(location: Location, digest: Uint8Array): boolean {
    const { readers, hash, names } = this.#parts;
    const fileHash = readers.hashOf(location.file, hash);
    const { digestSize } = fileHash;
    try {
      const found = readers.read(location.file, location.offset - digestSize, digestSize);
      // For a file from before a transition in place, the map of names is needed.
      const own = digestInStore({ names, hash }, fileHash, { ...location, digest: found }, (offset, size) =>
        readers.read(location.file, offset, size),
      );
      return own !== undefined && Buffer.compare(own, digest) === 0;
    } catch {
      return false;
    }
  }

  #locate(digest: Uint8Array): Location | undefined {
    const waiting = this.#parts.known.location(digest);
    if (waiting !== undefined) return waiting;
    this.#parts.index.refresh();
    return this.#parts.index.get(digest);
  }

  /** The locations of Blocks. @see Datadir.locate */
  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    if (!this.#parts.index.openNow()) return digests.map(() => undefined);
    this.#parts.index.refresh();
    const locate = (digest: Uint8Array): BlockLocation | undefined => {
      const found = this.#locateSafely(digest);
      if (found === undefined || found.codec === 'unknown') return undefined;
      const { file, offset, storedSize, size, codec } = found;
      return { file: this.#parts.readers.path(file), offset, storedSize, size, codec };
    };
    if (spans === undefined || !this.#parts.hasDigests) return digests.map(locate);
    return locateRuns(digests, spans, RECORD_FIXED_SIZE + this.#parts.hash.digestSize, locate);
  }

  #locateSafely(digest: Uint8Array): Location | undefined {
    try {
      return this.#parts.known.location(digest) ?? this.#parts.index.get(digest);
    } catch (error) {
      if (error instanceof IndexDamagedError) return undefined; // get() repairs it
      throw error;
    }
  }

  /** Reads Blocks as records. @see Store.records */
  async *records(digests: Uint8Array, spans: ArrayLike<number> | undefined, options: OpOptions): AsyncIterable<RecordBatch> {
    this.#parts.check('get from', options);
    if (!this.#parts.index.isReady) await this.#parts.index.ready(options.signal);
    const hashName = this.#parts.hash.name;
    const source: RecordSource = {
      hash: this.#parts.hash,
      memory: this.#images,
      locate: (wanted, sizes) => this.locate(wanted, sizes),
      hashOf: (file) => this.#parts.readers.hashOf(basename(file), this.#parts.hash),
      read: (file, offset, target) => this.#parts.readers.readInto(basename(file), offset, target),
      get: async (digest) => await this.get({ hashName, digest }, options),
    };
    for await (const batch of readStoredRecords(source, digests, spans)) {
      this.#parts.check('get from', options);
      yield batch;
    }
  }
}
