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

/** Attempts to make the same Blocks durable, each in another file, before a flush fails. */
const MAX_SYNCS = 3;

/** The parts of a datadir that {@link DatadirCommits} needs. */
export interface CommitParts {
  /** The name of the Store, for errors. */
  readonly name: string;
  readonly hash: HashFunction;
  readonly compression: StoredCompression;
  readonly layOut: LayOutRecords;
  readonly index: DatadirIndex;
  readonly readers: DatafileReaders;
  readonly known: KnownBlocks;
  readonly reserve: SessionReserve;
  /** Undefined if the Store is read-only. */
  readonly writer: RecordWriter | undefined;
  readonly ticker: IndexTickerOptions | undefined;
}

/** Makes a session's new Blocks durable, and adds them to the index: data first, then the index. */
export class DatadirCommits {
  readonly #parts: CommitParts;
  readonly #ticker: IndexTicker;
  /** Files whose sync has failed, with the error. Their records that are not in the index yet are written again to another file. */
  readonly #unsynced = new Map<string, unknown>();
  /** The error, if added Blocks are lost. */
  #lost: VtError | undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
    this.#ticker = new IndexTicker((batch) => this.#commit(batch), parts.ticker);
  }

  /** Counts added Blocks. */
  noteAdded(count: number): void {
    this.#ticker.noteAdded(count);
  }

  /** Marks a Block as damaged in the index. */
  noteDamage(digest: Uint8Array, location: Location): void {
    this.#ticker.addNote(Uint8Array.from(digest), { ...location, isDamaged: true });
  }

  /** Queues a value for the cache. It is kept once the Blocks added before are committed. */
  addCachePut(key: Uint8Array, value: Uint8Array): void {
    this.#ticker.addCachePut(Uint8Array.from(key), Uint8Array.from(value));
  }

  /** Waits if so much is uncommitted that adding should pause. */
  async keepUp(): Promise<void> {
    if (this.#ticker.isBehind) await this.#ticker.flush();
  }

  /** Commits all added Blocks. @throws also if Blocks of an earlier add are lost, at each later flush */
  async flush(): Promise<void> {
    await this.#ticker.flush();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** How many Blocks each transaction of the index had in this session. */
  batching(): IndexBatching {
    return this.#ticker.batching();
  }

  /** Ends automatic commits. */
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
      // A cache value refers to Blocks, which may be among those lost.
      const isDamaged = notes.some(([, location]) => location.isDamaged === true);
      if (this.#lost !== undefined || isDamaged) cachePuts = [];
      blocks = joinedBlocks(notes, known.recent.waiting(upTo));
      changes = await this.#commitToIndex({ blocks, marks, cachePuts });
      // The first damage in a session has already begun a generation. This is for further damage.
      if (isDamaged) index.beginGeneration();
    } catch (error) {
      // The next batch includes these again. If there is none, a later session finds the Blocks in the data files.
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

  /**
   * Makes added Blocks durable, and returns up to which position. Blocks of a file whose sync failed go to another file, which is then
   * synced.
   */
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
