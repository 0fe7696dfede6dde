import { closeSync, ftruncateSync } from 'node:fs';
import { cName } from '../base/at-calls.ts';
import { throwIfCancelled } from '../base/errors.ts';
import { readBlockRange } from '../block/read-range.ts';
import { leavesOf } from '../block/tree-walk.ts';
import { applyToFile } from './export-attributes.ts';
import type { Piece } from './export-content.ts';
import { segmentsOf } from './export-content.ts';
import type { FilePlace } from './export-files.ts';
import { itemError, writeAll } from './export-io.ts';
import type { ExportPool } from './export-pool.ts';
import type { ExportRun } from './export-run.ts';

/** Octets of one part: what a worker takes at once. */
const PART_SIZE = 1024 * 1024;

/** Runs longer than this that are no holes are cut, so that cancelling takes effect. */
const RUN_SIZE = 16 * 1024 * 1024;

interface Part {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
}

/**
 * Writes a large file in parts, which the workers verify side by side. Resolves when all parts are handed out, so that
 * the next file may begin.
 *
 * @returns `written`, which resolves to whether the file stands; failures have then been reported
 */
export async function writeLargeFile(run: ExportRun, pool: ExportPool, place: FilePlace): Promise<{ readonly written: Promise<boolean> }> {
  const { at, source, signal, sparse } = run.context;
  const { block } = place.dirent;
  const temporary = run.temporaryName();
  let fd: number;
  try {
    fd = at.open(place.dir.fd, temporary, 'create');
  } catch (error) {
    run.report.fail(place.path, error);
    return { written: Promise.resolve(false) };
  }
  let failure: unknown;
  const writes: Promise<void>[] = [];

  const writePart = async ({ start, end, pieces }: Part): Promise<void> => {
    const [segments] = segmentsOf(source, [pieces]);
    if (segments !== undefined) {
      const { failures, bytes } = await pool.write([{ kind: 'part', fd, start, segments }]);
      const [first] = failures;
      if (first === undefined) return run.report.progress(bytes);
      if (first.kind !== 'data') throw itemError(first);
    }
    // No known place, or not what was expected there: the Store is asked.
    let position = start;
    for await (const chunk of readBlockRange(source, block, { start, end, signal })) {
      writeAll(fd, chunk, position);
      position += chunk.length;
      run.report.progress(chunk.length);
    }
  };

  try {
    for await (const part of partsOf(leavesOf(source, block, { signal }), sparse)) {
      throwIfCancelled(signal);
      if (failure !== undefined) break;
      await pool.ready();
      const write = writePart(part).catch((error: unknown) => {
        failure ??= error;
      });
      writes.push(write);
      if (writes.length > 64) await writes.shift();
    }
  } catch (error) {
    failure ??= error;
  }

  const finish = async (): Promise<boolean> => {
    pool.settle();
    await Promise.all(writes);
    try {
      if (failure !== undefined) throw failure;
      throwIfCancelled(signal);
      ftruncateSync(fd, block.span);
      applyToFile(at, fd, run.attributes('file', place.dirent.meta, place.dir.givesAcl), run.report.attributeFailure(place.path));
      at.rename(place.dir.fd, temporary, cName(place.name));
      return true;
    } catch (error) {
      at.unlink(place.dir.fd, temporary);
      run.report.fail(place.path, error);
      return false;
    } finally {
      closeSync(fd);
    }
  };
  return { written: finish() };
}

/** Groups leaves into parts; holes are left out. */
async function* partsOf(leaves: AsyncIterable<Piece & { readonly start: number }>, sparse: boolean): AsyncGenerator<Part> {
  let pieces: Piece[] = [];
  let start = 0;
  let end = 0;
  for await (const { block, from, size, start: at } of leaves) {
    const isHole = block.kind === 'run' && block.octet === 0 && sparse;
    const isLongRun = block.kind === 'run' && size > RUN_SIZE;
    if (pieces.length > 0 && (isHole || isLongRun || end - start >= PART_SIZE)) {
      yield { start, end, pieces };
      pieces = [];
    }
    if (isHole) continue;
    if (isLongRun) {
      for (let done = 0; done < size; done += RUN_SIZE) {
        const length = Math.min(RUN_SIZE, size - done);
        yield { start: at + done, end: at + done + length, pieces: [{ block, from: 0, size: length }] };
      }
      continue;
    }
    if (pieces.length === 0) start = at;
    pieces.push({ block, from, size });
    end = at + size;
  }
  if (pieces.length > 0) yield { start, end, pieces };
}
