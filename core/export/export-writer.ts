import { closeSync, ftruncateSync, writeSync, writevSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { HashFunction } from '../block/hash.ts';
import { isRun, runChunks } from '../block/run-bytes.ts';
import { BlockWindow, StaleLocationError } from './block-window.ts';
import { applyToFile } from './export-attributes.ts';
import type { BatchResult, FileItem, ItemFailure, PackedBatch, RowRange } from './export-batch.ts';
import { unpackItems } from './export-batch.ts';
import { messageOf } from './export-io.ts';
import type { PackedSegments } from './segment-rows.ts';
import { CELL, ROW_SIZE, SEGMENT } from './segment-rows.ts';

/** Maximum buffers of one writev(2). */
const MAX_VECTORS = 64;

/** A Block of at least this many bytes, all NUL, becomes a hole, as a run does. */
const MIN_HOLE_SIZE = 4096;

/** Writes batches of files, synchronously. It runs in worker threads and in the main thread. */
export class BatchWriter implements Disposable {
  readonly #window: BlockWindow;
  readonly #sparse: boolean;
  readonly #at: AtCalls = atCalls();
  #segments: PackedSegments | undefined;
  #vectors: Uint8Array[] = [];
  #vectorsAt = 0;
  #vectorsSize = 0;

  /** @param sparse - whether runs of NUL become holes */
  constructor(hash: HashFunction, sparse: boolean) {
    this.#window = new BlockWindow(hash);
    this.#sparse = sparse;
  }

  /** Writes a batch. Failures of items are in the result. */
  run(batch: PackedBatch): BatchResult {
    const failures: ItemFailure[] = [];
    let bytes = 0;
    let index = 0;
    this.#segments = batch.segments;
    this.#window.use(batch.segments);
    for (const item of unpackItems(batch)) {
      try {
        if (item.kind === 'file') this.#writeFile(item, index, failures);
        else this.#writeSegments(item.fd, item.start, item);
        bytes += item.size;
      } catch (error) {
        failures.push({
          item: index,
          kind: error instanceof StaleLocationError ? 'data' : 'system',
          message: messageOf(error),
          code: errorCode(error),
        });
      }
      index++;
    }
    return { failures, bytes };
  }

  #writeFile(item: FileItem, index: number, failures: ItemFailure[]): void {
    const fd = this.#at.open(item.dir, item.temporary, 'create');
    try {
      const end = this.#writeSegments(fd, 0, item);
      if (end < item.size) ftruncateSync(fd, item.size);
      applyToFile(this.#at, fd, item.attributes, (what, error) => {
        failures.push({ item: index, kind: 'attribute', what, message: messageOf(error), code: errorCode(error) });
      });
      this.#at.rename(item.dir, item.temporary, item.name);
    } catch (error) {
      this.#at.unlink(item.dir, item.temporary);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Writes content from offset `start` on. @returns the end of the last data, which precedes the end of the file if that is a hole */
  #writeSegments(fd: number, start: number, { firstRow, endRow }: RowRange): number {
    this.#vectors = [];
    this.#vectorsAt = this.#vectorsSize = 0;
    if (this.#segments === undefined) return 0;
    const { cells, literals } = this.#segments;
    let at = start;
    for (let row = firstRow; row < endRow; row++) {
      const cell = row * ROW_SIZE;
      const kind = cells[cell + CELL.kind];
      const wanted = cells[cell + CELL.wanted] as number;
      if (kind === SEGMENT.stored) {
        if (!this.#window.holds(row)) {
          this.#flush(fd);
          this.#window.fill(row);
        }
        const data = this.#window.view(row);
        if (!this.#isHole(data)) this.#push(fd, at, data);
      } else if (kind === SEGMENT.data) {
        const from = cells[cell + CELL.offset] as number;
        this.#push(fd, at, literals.subarray(from, from + wanted));
      } else {
        const octet = cells[cell + CELL.offset] as number;
        if (!this.#sparse || octet !== 0) this.#pushRun(fd, at, octet, wanted);
      }
      at += wanted;
    }
    return this.#flush(fd);
  }

  #pushRun(fd: number, at: number, octet: number, size: number): void {
    let position = at;
    for (const chunk of runChunks(octet, size)) {
      this.#push(fd, position, chunk);
      position += chunk.length;
    }
  }

  #isHole(data: Uint8Array): boolean {
    return this.#sparse && data[0] === 0 && data.length >= MIN_HOLE_SIZE && isRun(data);
  }

  #push(fd: number, at: number, data: Uint8Array): void {
    if (this.#vectors.length >= MAX_VECTORS || (this.#vectors.length > 0 && at !== this.#vectorsAt + this.#vectorsSize)) this.#flush(fd);
    if (this.#vectors.length === 0) {
      this.#vectorsAt = at;
      this.#vectorsSize = 0;
    }
    this.#vectors.push(data);
    this.#vectorsSize += data.length;
  }

  /** Writes the collected buffers. @returns the offset after the last byte written so far */
  #flush(fd: number): number {
    const vectors = this.#vectors;
    if (vectors.length === 0) return this.#vectorsAt + this.#vectorsSize;
    this.#vectors = [];
    const only = vectors.length === 1 ? vectors[0] : undefined;
    const written = only === undefined ? writevSync(fd, vectors, this.#vectorsAt) : writeSync(fd, only, 0, only.length, this.#vectorsAt);
    if (written < this.#vectorsSize) this.#writeRest(fd, vectors, written);
    return this.#vectorsAt + this.#vectorsSize;
  }

  /** Continues after a short write: the next write completes it, or throws the reason. */
  #writeRest(fd: number, vectors: readonly Uint8Array[], written: number): void {
    const rest = Buffer.concat(vectors).subarray(written);
    for (let done = 0; done < rest.length; ) {
      const count = writeSync(fd, rest, done, rest.length - done, this.#vectorsAt + written + done);
      if (count === 0) throw new VtError('EFAILED', 'write: nothing more is taken');
      done += count;
    }
  }

  [Symbol.dispose](): void {
    this.#window[Symbol.dispose]();
  }
}
