import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import { openStoreFile } from '../base/system/store-files.ts';
import type { HashFunction } from '../block/hash.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { scanDatafile } from '../datadir/datafiles/datafile-scan.ts';
import { readLocatedBlock } from '../datadir/datafiles/located-block.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { Finding } from './findings.ts';
import type { DamagedPart } from './harm-walk.ts';
import { walkHarm } from './harm-walk.ts';
import type { ScrubbedPart } from './scrub-record.ts';
import { readScrubbed, writeScrubbed } from './scrub-record.ts';
import type { StoreView } from './store-view.ts';

/** Bytes read between two looks at the clock; at least one record. */
const PART_SIZE = 16 * 1024 * 1024;
/** Milliseconds between two writes of the record of checked parts. */
const SAVE_MS = 5000;
const STEP = 16_384;

export interface ScrubOptions {
  /** The Store through which trees are read; default: the datadir itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  readonly onFinding: (finding: Finding) => void;
  /** Stop after this many milliseconds. */
  readonly budgetMs?: number;
  /** Check this share of the bytes, 0 to 1, beginning with parts checked never or longest ago. */
  readonly subset?: number;
  readonly moreArchives?: readonly string[];
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
  readonly monotonicMs: () => number;
  readonly onProgress?: (state: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** The result of a scrub. */
export interface ScrubCounts {
  /** Bytes read and verified by this run. */
  readonly bytes: number;
  readonly blocks: number;
  /** Bytes of all data files. */
  readonly totalBytes: number;
  /** Bytes that no run has verified yet. */
  readonly neverBytes: number;
  /** When the part with the oldest check was verified, in seconds since 1970; undefined if some part never was. */
  readonly oldest: number | undefined;
  /** Damaged Blocks. */
  readonly damagedBlocks: number;
  /** Intact Blocks with a damaged record header, which only the index could find: they were stored again. */
  readonly salvagedBlocks: number;
}

/**
 * Reads Blocks and verifies each against its digest: all of them, or within a time, or a share of them. It begins with those verified
 * longest ago. A file in the datadir records what was verified, and when.
 */
export async function scrub(datadir: Datadir, options: ScrubOptions): Promise<ScrubCounts> {
  const { path, hash, index, readers } = datadir.internals();
  await datadir.flush();
  await index.ready(options.signal);
  const folder = join(path, 'data');
  const sizes = new Map(dataFileNames(folder).map((name) => [name, sizeOf(join(folder, name))]));
  const totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const plan = planParts(readScrubbed(path), sizes);
  const until = options.budgetMs === undefined ? Number.POSITIVE_INFINITY : options.monotonicMs() + options.budgetMs;
  const maxBytes = options.subset === undefined ? Number.POSITIVE_INFINITY : Math.ceil(options.subset * totalBytes);
  const damage = new Map<string, DamagedPart[]>();
  let bytes = 0;
  let blocks = 0;
  let savedMs = options.monotonicMs();
  const done: ScrubbedPart[] = [];
  const rest = [...plan];
  const save = (): void => {
    if (datadir.isWritable) writeScrubbed(path, datadir.access, merge([...done, ...rest.filter(({ when }) => when > 0)]));
  };
  while (rest.length > 0 && bytes < maxBytes && options.monotonicMs() < until) {
    throwIfCancelled(options.signal);
    const part = rest.shift();
    if (part === undefined) break;
    const found = await scrubPart(folder, part, readers.hashOf(part.file, hash), options, () => blocks++);
    bytes += found.end - part.start;
    done.push({ ...part, end: found.end, when: options.nowSeconds() });
    if (found.end < part.end && !found.isTail) rest.unshift({ ...part, start: found.end });
    if (found.damage.length > 0) damage.set(part.file, [...(damage.get(part.file) ?? []), ...found.damage]);
    options.onProgress?.({ doneBytes: bytes, totalBytes: Math.min(totalBytes, maxBytes) });
    if (options.monotonicMs() - savedMs > SAVE_MS) {
      save();
      savedMs = options.monotonicMs();
    }
  }
  save();
  const noted = damage.size === 0 ? { damagedBlocks: 0, salvagedBlocks: 0 } : await noteDamage(datadir, damage, options.signal);
  if (damage.size > 0) {
    for (const [file, parts] of damage)
      for (const { start, end } of parts) options.onFinding({ kind: 'data', file, start, end, reason: 'the bytes there are damaged' });
    await walkHarm(datadir, {
      signal: options.signal,
      view: options.view,
      onFinding: options.onFinding,
      damagedParts: damage,
      ...(options.moreArchives === undefined ? {} : { moreArchives: options.moreArchives }),
    });
  }
  const never = rest.filter(({ when }) => when === 0);
  const neverBytes = never.reduce((sum, { start, end }) => sum + end - start, 0);
  let oldest: number | undefined;
  if (neverBytes === 0) for (const { when } of [...done, ...rest]) oldest = Math.min(oldest ?? when, when);
  return { bytes, blocks, totalBytes, neverBytes, oldest, ...noted };
}

function sizeOf(path: string): number {
  const fd = openStoreFile(path, 'read');
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** All parts of all files: first those never checked, then the others by age of their check. */
function planParts(known: readonly ScrubbedPart[], sizes: ReadonlyMap<string, number>): ScrubbedPart[] {
  const parts: ScrubbedPart[] = [];
  for (const [file, size] of sizes) {
    let at = 0;
    for (const part of known.filter((one) => one.file === file).sort((a, b) => a.start - b.start)) {
      // A part that does not follow the last one, or ends beyond the file, belongs to a former file of this name.
      if (part.start !== at || part.end <= part.start || part.end > size) break;
      parts.push(part);
      at = part.end;
    }
    if (at < size) parts.push({ file, start: at, end: size, when: 0 });
  }
  return parts.sort((a, b) => a.when - b.when);
}

/** Joins neighbours checked within one hour, so that the record stays small. */
function merge(parts: readonly ScrubbedPart[]): ScrubbedPart[] {
  const sorted = [...parts].sort((a, b) => (a.file === b.file ? a.start - b.start : a.file < b.file ? -1 : 1));
  const out: ScrubbedPart[] = [];
  for (const part of sorted) {
    const last = out.at(-1);
    if (last !== undefined && last.file === part.file && last.end === part.start && Math.abs(last.when - part.when) < 3600)
      out[out.length - 1] = { ...last, end: part.end, when: Math.min(last.when, part.when) };
    else out.push(part);
  }
  return out;
}

async function scrubPart(
  folder: string,
  part: ScrubbedPart,
  hash: HashFunction,
  options: ScrubOptions,
  onBlock: () => void,
): Promise<{ end: number; damage: DamagedPart[]; isTail: boolean }> {
  let fd: number;
  try {
    fd = openStoreFile(join(folder, part.file), 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { end: part.end, damage: [], isTail: false }; // dropped meanwhile
    throw error;
  }
  try {
    let { start } = part;
    const damage: DamagedPart[] = [];
    if (start === 0) {
      const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
      const found = decodeDatafileHeader(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
      if (found.kind === 'short') return { end: part.end, damage, isTail: true };
      if (found.kind === 'damaged') damage.push({ start: 0, end: DATAFILE_HEADER_SIZE });
      start = DATAFILE_HEADER_SIZE;
    }
    const scanned = await scanDatafile(fd, {
      start,
      end: part.end,
      until: Math.min(part.end, start + PART_SIZE),
      hash,
      distrust: true,
      onRecord: onBlock,
      signal: options.signal,
    });
    appendAll(
      damage,
      scanned.damage.filter(({ kind }) => kind === 'damage'),
    );
    // Skip a record that is just being written.
    const last = scanned.damage.at(-1);
    const isTail = last?.kind === 'tail' && last.end === part.end;
    return { end: isTail ? last.start : (scanned.stoppedAt ?? part.end), damage, isTail };
  } finally {
    closeSync(fd);
  }
}

/**
 * Marks damaged Blocks in the index, so that they are stored when they are added again. Those that can still be read are stored again at
 * once.
 */
async function noteDamage(
  datadir: Datadir,
  damage: ReadonlyMap<string, readonly DamagedPart[]>,
  signal: AbortSignal | undefined,
): Promise<{ readonly damagedBlocks: number; readonly salvagedBlocks: number }> {
  const { index, readers, hash } = datadir.internals();
  const harmed: (readonly [Uint8Array, Location])[] = [];
  for (let after: Uint8Array | undefined; ; ) {
    throwIfCancelled(signal);
    const entries = index.entries(after, STEP);
    for (const [digest, location] of entries) {
      const { file, offset, storedSize } = location;
      // The header precedes the offset: an intact Block may follow a damaged header.
      const from = offset - RECORD_FIXED_SIZE - readers.hashOf(file, hash).digestSize;
      if ((damage.get(file) ?? []).some(({ start, end }) => from < end && offset + storedSize > start)) harmed.push([digest, location]);
    }
    after = entries.at(-1)?.[0];
    if (after === undefined) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (harmed.length > 0 && datadir.isWritable) {
    const changes = harmed.map(([digest, from]) => ({ digest, from, to: { ...from, isDamaged: true } }));
    index.rewrite(changes, new Map());
    index.beginGeneration();
  }
  let salvagedBlocks = 0;
  for (const [digest, location] of harmed) {
    const found = readLocatedBlock(readers, location, digest, hash);
    if (found.kind !== 'block') continue;
    salvagedBlocks++;
    if (datadir.isWritable) await datadir.addBatch([{ digest, data: found.data }], { signal });
  }
  if (salvagedBlocks > 0) await datadir.flush();
  return { damagedBlocks: harmed.length - salvagedBlocks, salvagedBlocks };
}
