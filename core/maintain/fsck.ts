import { join } from 'node:path';
import { appendAll } from '../base/lists.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { readLocatedBlock } from '../datadir/datafiles/located-block.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import { IndexDamagedError, type Location } from '../datadir/index/index-types.ts';
import type { Finding } from './findings.ts';
import type { DamagedPart, HarmWalkCounts } from './harm-walk.ts';
import { walkHarm } from './harm-walk.ts';
import { walkRecords } from './record-walk.ts';
import type { StoreView } from './store-view.ts';

/** Index entries read at a time. */
const STEP = 16_384;

export interface FsckOptions {
  /** The Store through which trees are read; default: the datadir itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  readonly onFinding: (finding: Finding) => void;
  /** Archive files outside the Store that have roots of it. */
  readonly moreArchives?: readonly string[];
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What fsck checked. */
export interface FsckCounts extends HarmWalkCounts {
  readonly files: number;
  readonly bytes: number;
  readonly records: number;
  /** Blocks in the index. */
  readonly indexed: number;
}

/**
 * Checks the structure of a datadir: headers and records of data files, the index, the lines of archives, and that every root is complete.
 * It changes nothing. It does not read contents; scrub does. Memory: about 40 bytes for each Block that lists others or entries.
 */
export async function fsck(datadir: Datadir, options: FsckOptions): Promise<FsckCounts> {
  const { path, hash, index, readers, names: otherNames } = datadir.internals();
  const { signal, onFinding, onProgress } = options;
  await datadir.flush();
  await index.ready(signal);
  const dataFolder = join(path, 'data');
  const damagedParts = new Map<string, readonly DamagedPart[]>();
  const sizes = new Map<string, number>();
  const confirmed = new Map<string, number>();
  let bytes = 0;
  let records = 0;
  const unindexed: (readonly [Uint8Array, Location])[] = [];
  const names = dataFileNames(dataFolder).sort();
  const marks = index.marks();
  for (const name of names) {
    let here = 0;
    const unknownHere: (readonly [Uint8Array, Location])[] = [];
    const indexedTo = marks.get(name)?.indexedTo ?? 0;
    const walk = await walkRecords(
      dataFolder,
      name,
      { names: otherNames, hash },
      ({ digest, ...rest }) => {
        const { offset } = rest;
        const location = index.get(digest);
        if (location === undefined) {
          if (offset < indexedTo) unknownHere.push([digest, { file: name, ...rest }]);
        } else if (location.file === name && location.offset === offset) here++;
      },
      signal,
    );
    // In a file of another hash function, inner Blocks have been converted: gc frees the old ones.
    if (!walk.isOther) appendAll(unindexed, unknownHere);
    confirmed.set(name, here);
    sizes.set(name, walk.size);
    bytes += walk.size;
    records += walk.records;
    if (walk.start.kind === 'damaged') onFinding({ kind: 'data', file: name, start: 0, end: 64, reason: walk.start.reason });
    if (walk.start.kind === 'newer') {
      onFinding({ kind: 'data', file: name, start: 0, end: 64, reason: `version ${walk.start.version} is newer than this program` });
    }
    damagedParts.set(name, walk.damage);
    for (const { kind, start, end } of walk.damage) {
      if (kind === 'tail') onFinding({ kind: 'tail', file: name, start, end });
      else onFinding({ kind: 'data', file: name, start, end, reason: 'there is no readable record' });
    }
    onProgress?.({ doing: 'data files', done: bytes });
  }
  const unknown = unindexed.filter(([digest, location]) => {
    const { file, offset, storedSize } = location;
    if (readLocatedBlock(readers, location, digest, hash).kind === 'block') return true;
    // A power failure left a valid header whose bytes were never written.
    onFinding({
      kind: 'data',
      file,
      start: offset,
      end: offset + storedSize,
      reason: 'the bytes do not match their header',
    });
    return false;
  }).length;
  const indexed = await checkEntries(datadir, confirmed, sizes, damagedParts, options);
  let isWhole = true;
  const reached = await walkHarm(datadir, {
    signal,
    view: options.view,
    onFinding: (finding) => {
      isWhole = false;
      onFinding(finding);
    },
    damagedParts,
    sizes,
    ...(options.moreArchives === undefined ? {} : { moreArchives: options.moreArchives }),
    onProgress: ({ entries }) => onProgress?.({ doing: 'roots', done: entries }),
  });
  if (unknown > 0 && isWhole) onFinding({ kind: 'dropped', count: unknown });
  else if (unknown > 0) onFinding({ kind: 'index', reason: `${unknown} Blocks in the data files are missing in it` });
  return { ...reached, files: names.length, bytes, records, indexed };
}

/** Checks that every Block in the index is at its place, or in a damaged part. @returns the number of entries */
async function checkEntries(
  datadir: Datadir,
  confirmed: ReadonlyMap<string, number>,
  sizes: ReadonlyMap<string, number>,
  damagedParts: ReadonlyMap<string, readonly DamagedPart[]>,
  { signal, onFinding }: FsckOptions,
): Promise<number> {
  const { index } = datadir.internals();
  const claimed = new Map<string, number>();
  let total = 0;
  try {
    for (let after: Uint8Array | undefined; ; ) {
      const entries = index.entries(after, STEP);
      for (const [, { file, offset, storedSize }] of entries) {
        // Blocks added after the walk were not seen by it.
        if (offset + storedSize > (sizes.get(file) ?? 0) && sizes.has(file)) continue;
        const isLost = (damagedParts.get(file) ?? []).some(({ start, end }) => offset < end && offset + storedSize > start);
        if (!isLost) claimed.set(file, (claimed.get(file) ?? 0) + 1);
      }
      total += entries.length;
      after = entries.at(-1)?.[0];
      if (after === undefined) break;
      signal?.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (!(error instanceof IndexDamagedError)) throw error;
    onFinding({ kind: 'index', reason: error.message });
  }
  for (const [file, count] of claimed) {
    const found = confirmed.get(file) ?? 0;
    if (found < count) onFinding({ kind: 'index', reason: `${count - found} Blocks are not at their places in data file "${file}"` });
  }
  return total;
}
