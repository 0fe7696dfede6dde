import { closeSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../base/system/file-lock.ts';
import { openOrCreateStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import { syncFolder } from '../../base/system/sync-folder.ts';
import { blockShape, CACHE_KEY_SIZE, CACHE_SHAPE, type IndexHead, isRunName, type RunList, writeHead } from './index-head.ts';
import type { IndexLock } from './index-lock.ts';
import { MergedRecords } from './index-merge.ts';
import { PAGE_SIZE } from './index-pages.ts';
import type { RecordShape } from './index-records.ts';
import { IndexRun, PageBudget, type RunInfo } from './index-run.ts';
import { RunFileWriter, removeRun } from './index-run-writer.ts';
import type { IndexStates } from './index-state.ts';
import { IndexDamagedError } from './index-types.ts';
import { decodePlace, encodePlace, isNoLocation } from './index-values.ts';

// Runs are merged so that there are few of them. Each is at least twice as large as all newer ones together; 100 million Blocks
// make a dozen. A Block is written again some ten times on its way into the largest.

/** How many times as large as all newer runs together a run has to be. */
const RATIO = 2;
/** Records merged before other work may continue. */
const STEP = 16_384;
/** Held while runs are merged, so that two processes do not merge the same. */
const MERGE_LOCK = 'merging';

/** Which runs are to be merged into one: the newest so many of them, or none. */
export function runsToMerge(files: readonly RunInfo[]): readonly RunInfo[] {
  const sizes = files.map(({ pages, valuesSize }) => pages * PAGE_SIZE + valuesSize);
  let newer = 0;
  let first = files.length;
  for (let i = files.length - 1; i >= 0; i--) {
    if (newer > 0 && (sizes[i] as number) < RATIO * newer) first = i;
    newer += sizes[i] as number;
  }
  return files.slice(first);
}

type Kind = 'blocks' | 'cache';

/** Merges runs of an index where there are many. What fails is left for another time. */
export async function compactRuns(states: IndexStates, lock: IndexLock, access: StoreAccess): Promise<void> {
  const { head } = states.state;
  const due = (['blocks', 'cache'] as const).filter((kind) => runsToMerge(head[kind].files).length > 0);
  if (due.length === 0) return;
  let fd: number | undefined;
  try {
    fd = openOrCreateStoreFile(join(states.folder, MERGE_LOCK), access);
    if (tryLock(fd) === 'taken') return;
    for (const kind of due) await mergeKind(kind, states, lock, access);
    lock.hold(() => removeOrphans(states));
  } catch {
    // No space, or another process has put other runs there: the index is as good as before.
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function mergeKind(kind: Kind, states: IndexStates, lock: IndexLock, access: StoreAccess): Promise<void> {
  states.refresh();
  const { head } = states.state;
  const runs = runsToMerge(head[kind].files);
  if (runs.length === 0) return;
  const shape = kind === 'blocks' ? blockShape(head.hashName) : CACHE_SHAPE;
  const isOldest = runs.length === head[kind].files.length;
  let merged: RunInfo | undefined;
  try {
    merged = await merge(states.folder, runs, shape, kind, isOldest, access);
  } catch (error) {
    // What is damaged of a cache is dropped.
    if (kind === 'blocks' || !(error instanceof IndexDamagedError)) throw error;
  }
  let isUsed = false;
  try {
    lock.hold(() => {
      states.refresh();
      const list = replaced(states.state.head[kind], runs, merged);
      if (list === undefined) return;
      const next: IndexHead = { ...states.state.head, [kind]: list };
      writeHead(states.folder, next, access);
      // The old runs go only when no loss of power can bring back the head that names them.
      syncFolder(states.folder);
      isUsed = true;
    });
  } finally {
    if (!isUsed && merged !== undefined) removeRun(states.path(merged.name));
  }
  states.load();
  if (isUsed) for (const { name } of runs) removeRun(states.path(name));
}

function replaced({ files, recent }: RunList, runs: readonly RunInfo[], merged: RunInfo | undefined): RunList | undefined {
  const first = files.findIndex(({ name }) => name === runs[0]?.name);
  if (first < 0 || runs.some(({ name }, i) => files[first + i]?.name !== name)) return undefined;
  return { files: [...files.slice(0, first), ...(merged === undefined ? [] : [merged]), ...files.slice(first + runs.length)], recent };
}

/** @returns the merged run, undefined where nothing is left */
async function merge(
  folder: string,
  infos: readonly RunInfo[],
  shape: RecordShape,
  kind: Kind,
  isOldest: boolean,
  access: StoreAccess,
): Promise<RunInfo | undefined> {
  const runs: IndexRun[] = [];
  try {
    for (const info of infos) runs.unshift(IndexRun.open(folder, info, shape, new PageBudget()));
    const records = new MergedRecords(runs.map((run) => run.cursor()));
    using writer = new RunFileWriter(folder, shape, access);
    let count = 0;
    for (let cursor = records.next(); cursor !== undefined; cursor = records.next()) {
      const { octets, at, run } = cursor;
      if (kind === 'cache') {
        const { offset, size, crc } = decodePlace(octets, at + CACHE_KEY_SIZE);
        writer.add(octets, at, encodePlace({ offset: writer.addValue(run.readValues(offset, size)), size, crc }));
      } else if (!isOldest || !isNoLocation(octets, at + shape.keySize)) writer.add(octets, at);
      if (++count % STEP === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const info = writer.end(kind === 'blocks');
    if (info.count > 0) return info;
    removeRun(join(folder, info.name));
    return undefined;
  } finally {
    for (const run of runs) run.close();
  }
}

/** Removes runs that no head names: those of processes that were killed. Only while holding both locks: nobody writes one then. */
function removeOrphans(states: IndexStates): void {
  states.refresh();
  const { head } = states.state;
  const named = new Set([...head.blocks.files, ...head.cache.files].map(({ name }) => name));
  for (const name of readdirSync(states.folder)) if (isRunName(name) && !named.has(name)) removeRun(states.path(name));
}
