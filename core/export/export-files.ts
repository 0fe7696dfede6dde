import { closeSync, ftruncateSync } from 'node:fs';
import { cName } from '../base/system/at-calls.ts';
import type { Block } from '../block/block.ts';
import { hashByName } from '../block/hash.ts';
import { LONG_READ_AHEAD, readBlockRange } from '../block/read-range.ts';
import { isRun } from '../block/run-bytes.ts';
import { capability } from '../store/capability.ts';
import { ContentFetcher } from './content-fetcher.ts';
import { ContentPlanner } from './content-planner.ts';
import { applyToFile, withoutOwner } from './export-attributes.ts';
import type { BatchResult, ItemFailure, RowRange } from './export-batch.ts';
import { BatchBuilder } from './export-batch.ts';
import { itemError, writeAll } from './export-io.ts';
import { writeLargeFile } from './export-large.ts';
import type { FilePlace } from './export-links.ts';
import { ExportPool } from './export-pool.ts';
import type { FileRun } from './file-run.ts';
import { canLocate, SegmentRows } from './segment-rows.ts';

/** Maximum files and bytes of one batch: about 5 ms of work. */
const BATCH_FILES = 128;
const BATCH_BYTES = 1024 * 1024;

/** All workers together write a file larger than this, in parts. */
const LARGE_SIZE = 4 * 1024 * 1024;

/** Maximum files read through the Store at once. Each of them also reads ahead. */
const MAX_STREAMS = 8;

/** Bytes of one batch from a Store without locations, which may be far away, and the number of such batches at once. */
const FAR_BATCH_BYTES = 4 * 1024 * 1024;
const FAR_BATCHES = 8;

/** Writes files: small ones in batches, and large ones in parts. Files whose Blocks cannot be located are read through the Store. */
export class ExportFiles implements AsyncDisposable {
  readonly #run: FileRun;
  readonly #pool: ExportPool;
  /** Set if the Store has locations. */
  readonly #planner: ContentPlanner | undefined;
  /** Set if the Store has no locations, but records. */
  readonly #fetcher: ContentFetcher | undefined;
  #queue: FilePlace[] = [];
  #queuedBytes = 0;
  readonly #streams = new Set<Promise<void>>();
  /** Batches whose contents are being fetched. */
  readonly #coming = new Set<Promise<void>>();
  readonly #background = new Set<Promise<void>>();
  #failure: unknown;

  constructor(run: FileRun) {
    this.#run = run;
    const { source, sparse, workers } = run.context;
    if (canLocate(source)) this.#planner = new ContentPlanner(source);
    else if (capability(source, 'recordSource') !== undefined) this.#fetcher = new ContentFetcher(source);
    this.#pool = new ExportPool({ hashName: source.hashName, sparse, workers });
  }

  /**
   * Accepts a file to write. `run.done` is called when it has been written or has failed.
   *
   * @returns a promise that resolves when the next file may be added; undefined for at once
   */
  add(place: FilePlace): Promise<void> | undefined {
    const from = this.#planner ?? this.#fetcher;
    if (from === undefined) return this.#stream(place);
    const { span } = place.dirent.block;
    if (span > LARGE_SIZE) return this.#large(from, place);
    this.#queue.push(place);
    this.#queuedBytes += Math.max(0, span);
    const isFull = this.#queuedBytes >= (this.#planner === undefined ? FAR_BATCH_BYTES : BATCH_BYTES);
    return isFull || this.#queue.length >= BATCH_FILES ? this.#flush() : undefined;
  }

  async #flush(): Promise<void> {
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    this.#queuedBytes = 0;
    const blocks = queue.map(({ dirent }) => dirent.block);
    const rows = new SegmentRows(hashByName(this.#run.context.source.hashName).digestSize, 2 * queue.length);
    if (this.#planner !== undefined) await this.#write(queue, rows, this.#planner.plan(blocks, rows));
    else if (this.#fetcher !== undefined) await this.#fetch(this.#fetcher, queue, blocks, rows);
  }

  /** Fetches the contents of a batch, concurrently with other batches. */
  async #fetch(fetcher: ContentFetcher, queue: readonly FilePlace[], blocks: readonly Block[], rows: SegmentRows): Promise<void> {
    while (this.#coming.size >= FAR_BATCHES) await Promise.race(this.#coming);
    const { signal } = this.#run.context;
    const coming = fetcher
      .plan(blocks, rows, { signal })
      .then(
        async (ranges) => await this.#write(queue, rows, ranges),
        async (error: unknown) => {
          for (const place of queue) await this.#fail(place, error);
        },
      )
      .finally(() => this.#coming.delete(coming));
    this.#coming.add(coming);
    this.#inBackground(coming);
  }

  /** Writes files. The pool writes those that have rows; the others are read through the Store. */
  async #write(queue: readonly FilePlace[], rows: SegmentRows, ranges: readonly (RowRange | undefined)[]): Promise<void> {
    const builder = new BatchBuilder(rows);
    const places: FilePlace[] = [];
    for (const [index, place] of queue.entries()) {
      const range = ranges[index];
      if (range === undefined) await this.#stream(place);
      else {
        builder.add({
          kind: 'file',
          dir: place.dir.fd,
          name: cName(place.name),
          temporary: this.#run.temporaryName(),
          size: place.dirent.block.span,
          attributes: withoutOwner(this.#run.attributes('file', place.dirent.meta, place.dir.givesAcl), place.dir.givesOwner),
          ...range,
        });
        places.push(place);
      }
    }
    if (places.length === 0) return;
    await this.#pool.ready();
    this.#inBackground(this.#pool.write(builder.take()).then((result) => this.#written(places, result)));
  }

  async #written(places: readonly FilePlace[], { failures, bytes }: BatchResult): Promise<void> {
    const failed = new Map<number, ItemFailure>();
    for (const failure of failures) {
      const place = places[failure.item];
      if (place === undefined) continue;
      if (failure.kind === 'attribute') this.#run.report.attributeFailure(place.path)(failure.what ?? 'metadata', itemError(failure));
      else failed.set(failure.item, failure);
    }
    this.#run.report.progress(bytes);
    for (const [index, place] of places.entries()) {
      const failure = failed.get(index);
      if (failure === undefined) {
        this.#run.report.counts.files++;
        const linked = this.#run.done(place, place.link, true);
        if (linked !== undefined) await linked;
      } else if (failure.kind === 'data') {
        // The Block may have moved, or be stored elsewhere too. The Store finds it or reports the error.
        await this.#streamNow(place);
      } else {
        this.#run.report.fail(place.path, itemError(failure));
        await this.#run.done(place, place.link, false);
      }
    }
  }

  async #large(from: ContentPlanner | ContentFetcher, place: FilePlace): Promise<void> {
    const { written } = await writeLargeFile(this.#run, this.#pool, from, place);
    this.#inBackground(
      written.then(async (stands) => {
        if (stands) this.#run.report.counts.files++;
        await this.#run.done(place, place.link, stands);
      }),
    );
  }

  async #fail(place: FilePlace, error: unknown): Promise<void> {
    await this.#run.fail(place, error);
    await this.#run.done(place, place.link, false);
  }

  async #stream(place: FilePlace): Promise<void> {
    while (this.#streams.size >= MAX_STREAMS) await Promise.race(this.#streams);
    const stream = this.#streamNow(place).finally(() => this.#streams.delete(stream));
    this.#streams.add(stream);
    this.#inBackground(stream);
  }

  async #streamNow(place: FilePlace): Promise<void> {
    let stands = false;
    try {
      await this.#writeStream(place);
      this.#run.report.counts.files++;
      stands = true;
    } catch (error) {
      await this.#run.fail(place, error);
    }
    await this.#run.done(place, place.link, stands);
  }

  /** Writes a file, and reads its content through the Store, which verifies it. */
  async #writeStream(place: FilePlace): Promise<void> {
    const { at, source, signal, sparse } = this.#run.context;
    const temporary = this.#run.temporaryName();
    const fd = at.open(place.dir.fd, temporary, 'create');
    try {
      let size = 0;
      let end = 0;
      for await (const chunk of readBlockRange(source, place.dirent.block, { maxReadAhead: LONG_READ_AHEAD, signal })) {
        if (!(sparse && chunk[0] === 0 && chunk.length >= 4096 && isRun(chunk))) {
          writeAll(fd, chunk, size);
          end = size + chunk.length;
        }
        size += chunk.length;
        this.#run.report.progress(chunk.length);
      }
      if (end < size) ftruncateSync(fd, size);
      applyToFile(
        at,
        fd,
        this.#run.attributes('file', place.dirent.meta, place.dir.givesAcl),
        this.#run.report.attributeFailure(place.path),
      );
      at.rename(place.dir.fd, temporary, cName(place.name));
    } catch (error) {
      at.unlink(place.dir.fd, temporary);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => {
      this.#failure ??= error;
    });
    const entry = tracked.finally(() => this.#background.delete(entry));
    this.#background.add(entry);
  }

  /** Writes queued files, and waits for all files in progress. */
  async drain(): Promise<void> {
    await this.#flush();
    await this.#settle();
  }

  /** The same until nothing is left. @throws the first error that affects more than one file */
  async finish(): Promise<void> {
    do {
      await this.drain();
    } while (this.#queue.length > 0 || this.#background.size > 0);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Drops queued files, and waits for those in progress. */
  async cancel(): Promise<void> {
    this.#queue = [];
    await this.#settle();
  }

  /** Waits for all work in progress, including batches that get to the pool meanwhile. */
  async #settle(): Promise<void> {
    do {
      this.#pool.writeHeld();
      await Promise.all(this.#background);
    } while (this.#background.size > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#planner?.[Symbol.dispose]();
    await this.#pool[Symbol.asyncDispose]();
  }
}
