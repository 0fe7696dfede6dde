import type { VtError } from '../base/errors.ts';
import type { HashFunction } from '../block/hash.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { RecordWriter } from './datadir-append.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { DatafileReaders } from './datafiles/datafile-readers.ts';
import type { IndexBatching, IndexTickerOptions, QueuedBatch } from './index/index-ticker.ts';
import { IndexTicker, joinedBlocks } from './index/index-ticker.ts';
import type { FileMarks, IndexBatch, LocatedBlocks, Location } from './index/index-types.ts';
import { IndexDamagedError } from './index/index-types.ts';
import type { KnownBlocks } from './known-blocks.ts';
import type { SessionReserve } from './session-reserve.ts';
import { rewriteUnsynced } from './unsynced-records.ts';
import { writeError } from './write-error.ts';

/** Tries to make the same Blocks durable, each in another file, before a flush fails. */
const MAX_SYNCS = 3;

/** What {@link DatadirCommits} works with. */
export interface CommitParts {
  /** Of the Store, for errors. */
  readonly name: string;
  readonly hash: HashFunction;
  readonly compression: StoredCompression;
  readonly layOut: LayOutRecords;
  readonly index: DatadirIndex;
  readonly readers: DatafileReaders;
  readonly known: KnownBlocks;
  readonly reserve: SessionReserve;
  /** Absent where nothing may be written. */
  readonly writer: RecordWriter | undefined;
  readonly ticker: IndexTickerOptions | undefined;
}

/** Makes durable what a session added to a datadir, and tells the index where it is: data first, then the index. */
export class DatadirCommits {
  readonly #parts: CommitParts;
  readonly #ticker: IndexTicker;
  /** Files whose sync has failed, and why: their records that wait for the index are written again first. */
  readonly #unsynced = new Map<string, unknown>();
  /** Why Blocks that were added are gone for good. */
  #lost: VtError | undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
    this.#ticker = new IndexTicker((batch) => this.#commit(batch), parts.ticker);
  }

  /** Blocks were added. */
  noteAdded(count: number): void {
    this.#ticker.noteAdded(count);
  }

  /** A Block is damaged where it is: the index is notified. */
  noteDamage(digest: Uint8Array, location: Location): void {
    this.#ticker.addNote(Uint8Array.from(digest), { ...location, isDamaged: true });
  }

  /** A value of the cache, kept once the Blocks that were added before are. */
  addCachePut(key: Uint8Array, value: Uint8Array): void {
    this.#ticker.addCachePut(Uint8Array.from(key), Uint8Array.from(value));
  }

  /** Waits where so much is to be committed that adding should wait too. */
  async keepUp(): Promise<void> {
    if (this.#ticker.isBehind) await this.#ticker.flush();
  }

  /** Commits all that was added. @throws also where Blocks of an earlier add are gone: no later flush may say otherwise */
  async flush(): Promise<void> {
    await this.#ticker.flush();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** How many Blocks each transaction of the index held, in this session. */
  batching(): IndexBatching {
    return this.#ticker.batching();
  }

  /** Commits no more by itself. */
  stop(): void {
    this.#ticker.stop();
  }

  async #commit(batch: QueuedBatch): Promise<number> {
    const { writer, known, index, name } = this.#parts;
    if (writer === undefined) return 0;
    const { notes } = batch;
    let { cachePuts } = batch;
    let upTo: number;
    let blocks: LocatedBlocks;
    let changes: Awaited<ReturnType<DatadirIndex['commit']>>;
    try {
      await index.ready();
      const synced = await this.#sync(writer);
      upTo = synced.upTo;
      const { marks } = synced;
      // A value of the cache promises Blocks, which may be among those lost.
      const isDamaged = notes.some(([, location]) => location.isDamaged === true);
      if (this.#lost !== undefined || isDamaged) cachePuts = [];
      blocks = joinedBlocks(notes, known.recent.waiting(upTo));
      changes = await this.#commitToIndex({ blocks, marks, cachePuts });
      // The first damage that a session found began a generation, this is for all that came after.
      if (isDamaged) index.beginGeneration();
    } catch (error) {
      // What the index could not take comes with the next batch; what opens the Store later finds it in the data files.
      this.#ticker.requeue({ notes, cachePuts });
      throw writeError(name, error);
    }
    index.refresh();
    known.markIndexed(upTo, changes);
    return blocks.length;
  }

  async #commitToIndex(batch: IndexBatch): ReturnType<DatadirIndex['commit']> {
    const { index, reserve } = this.#parts;
    try {
      return await reserve.useLater(async () => await index.commit(batch));
    } catch (error) {
      if (!(error instanceof IndexDamagedError) || !(await index.rebuild(error.reason))) throw error;
      return await index.commit(batch);
    }
  }

  /** Makes durable what was added, up to a position: what a failed sync may have lost goes to another file, which is synced in its turn. */
  async #sync(writer: RecordWriter): Promise<{ readonly upTo: number; readonly marks: ReadonlyMap<string, FileMarks> }> {
    const { recent } = this.#parts.known;
    const marks = new Map<string, FileMarks>();
    for (let syncs = 1; ; syncs++) {
      for (const [file, error] of this.#unsynced) this.#writeAgain(writer, file, error);
      const upTo = recent.position;
      const done = await writer.sync();
      for (const [file, mark] of done.marks) marks.set(file, mark);
      for (const [file, error] of done.failures) this.#unsynced.set(file, error);
      const [failure] = this.#unsynced.values();
      if (this.#unsynced.size === 0) return { upTo, marks };
      if (syncs === MAX_SYNCS) throw failure;
    }
  }

  #writeAgain(writer: RecordWriter, file: string, error: unknown): void {
    const { hash, compression, layOut, known, readers, name } = this.#parts;
    const lost = rewriteUnsynced({ hash, compression, layOut, recent: known.recent, readers, writer }, file);
    this.#unsynced.delete(file);
    if (lost > 0) this.#lost ??= writeError(name, error);
  }
}
