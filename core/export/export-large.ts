import { closeSync, ftruncateSync } from 'node:fs';
import { throwIfCancelled } from '../base/errors.ts';
import { cName } from '../base/system/at-calls.ts';
import { readBlockRange } from '../block/read-range.ts';
import type { ContentFetcher } from './content-fetcher.ts';
import { ContentPlanner } from './content-planner.ts';
import { applyToFile } from './export-attributes.ts';
import { partBatch } from './export-batch.ts';
import { itemError, writeAll } from './export-io.ts';
import type { FilePlace } from './export-links.ts';
import type { ExportPool } from './export-pool.ts';
import type { FileRun } from './file-run.ts';
import type { LargePart } from './large-parts.ts';
import { partsOf } from './large-parts.ts';

/** Maximum parts of 1 MiB in progress; fewer if they are fetched into memory first. */
const MAX_PARTS = 64;
const MAX_FAR_PARTS = 32;

/**
 * Writes a large file in parts, which several workers verify and write in parallel. Resolves when all parts have been started, so that
 * the next file may begin.
 *
 * @returns `written`, which resolves to whether the file was written; failures have then been reported
 */
export async function writeLargeFile(
  run: FileRun,
  pool: ExportPool,
  from: ContentPlanner | ContentFetcher,
  place: FilePlace,
): Promise<{ readonly written: Promise<boolean> }> {
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

  const writePart = async ({ start, end, rows }: LargePart): Promise<void> => {
    if (from instanceof ContentPlanner) rows.locate(source);
    else await rows.fetch(source, { signal });
    if (rows.isLocated(0, rows.count)) {
      const { failures, bytes } = await pool.write(partBatch(rows, { fd, start, size: end - start }));
      const [first] = failures;
      if (first === undefined) return run.report.progress(bytes);
      if (first.kind !== 'data') throw itemError(first);
    }
    // The Blocks have no location, or other bytes are there. Read the part through the Store.
    let position = start;
    for await (const chunk of readBlockRange(source, block, { start, end, signal })) {
      writeAll(fd, chunk, position);
      position += chunk.length;
      run.report.progress(chunk.length);
    }
  };

  try {
    for await (const part of partsOf(from, block, sparse, signal)) {
      throwIfCancelled(signal);
      if (failure !== undefined) break;
      await pool.ready();
      const write = writePart(part).catch((error: unknown) => {
        failure ??= error;
      });
      writes.push(write);
      if (writes.length > (from instanceof ContentPlanner ? MAX_PARTS : MAX_FAR_PARTS)) await writes.shift();
    }
  } catch (error) {
    failure ??= error;
  }

  const finish = async (): Promise<boolean> => {
    pool.writeHeld();
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
      await run.fail(place, error);
      return false;
    } finally {
      closeSync(fd);
    }
  };
  return { written: finish() };
}
