import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import { ROLL_OVER_SIZE } from '../store/datadir.ts';
import { readDatadirFormat, syncFolder } from '../store/datadir-format.ts';
import type { Datadir } from '../store/datadir-store.ts';
import { DatadirWriter } from '../store/datadir-writer.ts';
import { RECORD_FIXED_SIZE, writeRecordHeader } from '../store/datafile.ts';
import type { IndexRewrite, Location } from '../store/index-types.ts';
import { decodeStored } from '../store/stored-bytes.ts';
import { liveWriters } from '../store/writer-presence.ts';
import { DigestTable } from './digest-table.ts';
import { type GcFile, GcFiles } from './gc-files.ts';
import { GcMarks } from './gc-mark.ts';

/** Index entries read at a time, and changed in one transaction where that does not matter. */
const STEP = 16_384;
/** A data file of which less than this share would be freed is left as it is: copying costs too. */
const MIN_WASTE = 0.2;
/** Octets copied in one write. */
const WRITE_SIZE = 1024 * 1024;
/** Index entries of files that are worked on in one pass over the index. */
const MAX_GROUP_BLOCKS = 400_000;
/** The setting of the index that tells since which generation of the Store what is set aside is. */
const ASIDE_SETTING = 'aside-generation';

export interface GcOptions {
  readonly signal?: AbortSignal | undefined;
  /** Data files that were written to within this time are left alone, in milliseconds. */
  readonly graceMs: number;
  /** Tell what would be done, and do nothing. */
  readonly plan: boolean;
  /** Archive files that lie elsewhere and have roots of this Store. */
  readonly moreArchives?: readonly string[];
  readonly now: () => Date;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number; readonly total?: number }) => void;
  readonly onNotice?: (notice: string) => void;
}

/** What gc did, or would do. */
export interface GcCounts {
  readonly roots: number;
  /** Blocks that are needed. */
  readonly liveBlocks: number;
  /** Blocks that were removed. */
  readonly freedBlocks: number;
  readonly freedBytes: number;
  /** Octets that were copied to new files. */
  readonly copiedBytes: number;
  readonly files: number;
  readonly droppedFiles: number;
  /** Blocks that no root needs and that stay: they were added of late, or a session at work may count on them, or copying the rest is not worth it. */
  readonly keptBlocks: number;
  readonly keptBytes: number;
  /** Sessions at work that may count on Blocks which no root needs yet. */
  readonly sessions: number;
}

interface FileUse {
  readonly file: GcFile;
  live: number;
  liveBytes: number;
  dead: number;
  deadBytes: number;
}

/**
 * Removes Blocks that no root of any archive reaches. In this order, so that it can be killed anywhere, and neither
 * readers nor writers have to stop:
 *
 * 1. Mark what the roots reach.
 * 2. Set the rest aside: the index says of these Blocks that they count as absent when they are added, though they can
 *    be read. Then a new generation of the Store begins, which voids what sessions remember of Blocks.
 * 3. Sessions that were at work before may have seen them as there; while there is one, what was set aside by this run
 *    stays. Roots that were recorded since are marked now.
 * 4. Copy what stays of a data file to a new one, sync it, tell the index in one transaction, and only then unlink it.
 */
export async function gc(datadir: Datadir, options: GcOptions): Promise<GcCounts> {
  const { path, hash, index, ownWriter } = datadir.internals();
  const { signal, onProgress } = options;
  await datadir.flush();
  await index.ready(signal);
  const dataFolder = join(path, 'data');
  const format = readDatadirFormat(path);
  if (format === undefined) throw new VtError('EOPEN', `gc "${datadir.name}": its format file is gone`);
  const marks = new GcMarks(datadir, {
    signal,
    ...(options.moreArchives === undefined ? {} : { moreArchives: options.moreArchives }),
    onProgress: ({ blocks }) => onProgress?.({ doing: 'mark', done: blocks }),
  });
  await marks.walk();
  const recordSize = ({ storedSize }: Location): number => RECORD_FIXED_SIZE + hash.digestSize + storedSize;
  using held = new GcFiles(dataFolder, index.marks());
  const oldMs = options.now().getTime() - options.graceMs;
  const uses = new Map<string, FileUse>();
  for (const file of held.files) uses.set(file.name, { file, live: 0, liveBytes: 0, dead: 0, deadBytes: 0 });
  const mayChange = ({ fd, changedMs }: GcFile): boolean => fd !== undefined && changedMs <= oldMs;
  // What an earlier gc set aside, when: sessions that began since have not seen it as there.
  const asideGeneration = Number(index.setting(ASIDE_SETTING) ?? Number.NaN);
  const asideBefore = new DigestTable(hash.digestSize);
  await forEachEntry(datadir, signal, (digest, location) => {
    const use = uses.get(location.file);
    if (use === undefined) return;
    if (marks.has(digest)) {
      use.live++;
      use.liveBytes += recordSize(location);
      return;
    }
    use.dead++;
    use.deadBytes += recordSize(location);
    if (location.isDamaged === true) asideBefore.set(digest);
  });
  const counts = { freedBlocks: 0, freedBytes: 0, copiedBytes: 0, droppedFiles: 0 };
  const worthIt = ({ file, liveBytes }: FileUse): boolean =>
    file.isLeftover || file.size - liveBytes >= MIN_WASTE * file.size || liveBytes === 0;
  const chosen = [...uses.values()].filter((use) => use.file.isLeftover || (mayChange(use.file) && worthIt(use)));
  const result = (sessions: number): GcCounts => {
    let keptBlocks = 0;
    let keptBytes = 0;
    for (const { dead, deadBytes } of uses.values()) {
      keptBlocks += dead;
      keptBytes += deadBytes;
    }
    return {
      ...counts,
      roots: marks.roots,
      liveBlocks: marks.count,
      files: held.files.length,
      keptBlocks: keptBlocks - counts.freedBlocks,
      keptBytes: Math.max(0, keptBytes - counts.freedBytes),
      sessions,
    };
  };
  if (options.plan) {
    for (const use of chosen) {
      counts.freedBlocks += use.dead;
      counts.freedBytes += use.file.size - use.liveBytes;
      counts.copiedBytes += use.liveBytes;
      counts.droppedFiles++;
    }
    return result(liveWriters(path, ownWriter).length);
  }
  if (chosen.length === 0) return result(0);
  await setAside(datadir, marks, new Set(chosen.map(({ file }) => file.name)), signal);
  const live = liveWriters(path, ownWriter);
  // Whoever ended before the look at the sessions has recorded its root.
  await marks.walk();
  const sinceBefore = live.every(({ generation }) => generation >= asideGeneration);
  const mayGo = (digest: Uint8Array): boolean => !marks.has(digest) && (live.length === 0 || (sinceBefore && asideBefore.has(digest)));
  const copier = new Copier(datadir, format.storeId, dataFolder, options);
  try {
    for (const group of groupsOf(chosen)) {
      throwIfCancelled(signal);
      const stays = new Map<string, (readonly [Uint8Array, Location])[]>(group.map(({ file }) => [file.name, []]));
      const goes = new Map<string, (readonly [Uint8Array, Location])[]>(group.map(({ file }) => [file.name, []]));
      await forEachEntry(
        datadir,
        signal,
        (digest, location) => void (mayGo(digest) ? goes : stays).get(location.file)?.push([digest, location]),
      );
      for (const { file } of group) {
        throwIfCancelled(signal);
        const staying = stays.get(file.name) ?? [];
        const going = goes.get(file.name) ?? [];
        const stayingBytes = staying.reduce((sum, [, location]) => sum + recordSize(location), 0);
        if (staying.length > 0 && file.size - stayingBytes < MIN_WASTE * file.size) continue;
        if (!(await copier.replace(file, staying, going))) continue;
        counts.freedBlocks += going.length;
        counts.freedBytes += file.size - stayingBytes;
        counts.copiedBytes += stayingBytes;
        counts.droppedFiles++;
        onProgress?.({ doing: 'free', done: counts.freedBytes });
      }
    }
  } finally {
    copier.close();
  }
  return result(live.length);
}

async function forEachEntry(
  datadir: Datadir,
  signal: AbortSignal | undefined,
  visit: (digest: Uint8Array, location: Location) => void,
): Promise<void> {
  const { index } = datadir.internals();
  index.refresh();
  for (let after: Uint8Array | undefined; ; ) {
    throwIfCancelled(signal);
    const entries = index.entries(after, STEP);
    for (const [digest, location] of entries) visit(digest, location);
    after = entries.at(-1)?.[0];
    if (after === undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    index.refresh();
  }
}

/** Sets Blocks aside that nobody reaches, and begins a new generation of the Store. */
async function setAside(datadir: Datadir, marks: GcMarks, files: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<void> {
  const { index } = datadir.internals();
  // Only sessions of the generation that begins below have surely seen this.
  const next = String(index.generation + 1);
  let changes: IndexRewrite[] = [];
  const put = (): void => {
    if (changes.length > 0) index.rewrite(changes, new Map(), { [ASIDE_SETTING]: next });
    changes = [];
  };
  await forEachEntry(datadir, signal, (digest, location) => {
    if (!files.has(location.file) || location.isDamaged === true || marks.has(digest)) return;
    changes.push({ digest, from: location, to: { ...location, isDamaged: true } });
    if (changes.length >= STEP) put();
  });
  put();
  index.beginGeneration();
}

function groupsOf(uses: readonly FileUse[]): FileUse[][] {
  const groups: FileUse[][] = [];
  let blocks = Number.POSITIVE_INFINITY;
  for (const use of uses) {
    const here = use.live + use.dead;
    if (blocks + here > MAX_GROUP_BLOCKS) {
      groups.push([]);
      blocks = 0;
    }
    groups.at(-1)?.push(use);
    blocks += here;
  }
  return groups;
}

/** Copies what stays of data files to new ones. */
class Copier {
  readonly #datadir: Datadir;
  readonly #dataFolder: string;
  readonly #options: GcOptions;
  readonly #writer: DatadirWriter;

  constructor(datadir: Datadir, storeId: string, dataFolder: string, options: GcOptions) {
    this.#datadir = datadir;
    this.#dataFolder = dataFolder;
    this.#options = options;
    this.#writer = new DatadirWriter({
      dataFolder,
      storeId,
      hashName: datadir.hashName,
      access: datadir.access,
      rollOverSize: ROLL_OVER_SIZE,
      clock: options.now,
      // Always new files: one that others may go on with is not to hold what is being moved.
      marks: () => new Map(),
    });
  }

  /** @returns false where a Block that stays is damaged: then the file is left as it is */
  async replace(
    file: GcFile,
    staying: readonly (readonly [Uint8Array, Location])[],
    going: readonly (readonly [Uint8Array, Location])[],
  ): Promise<boolean> {
    const { index } = this.#datadir.internals();
    const changes: IndexRewrite[] = going.map(([digest, from]) => ({ digest, from, to: undefined }));
    // In the order of the file: reading is sequential, and so will later reading be.
    const ordered = [...staying].sort(([, a], [, b]) => a.offset - b.offset);
    for (let at = 0; at < ordered.length; ) {
      throwIfCancelled(this.#options.signal);
      const copied = this.#copy(ordered, at);
      if (copied === undefined) {
        this.#options.onNotice?.(`data file "${file.name}" is left as it is: a Block in it is damaged; repair the Store first`);
        return false;
      }
      appendAll(changes, copied);
      at += copied.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { marks, failures } = await this.#writer.sync();
    const [failure] = failures.values();
    if (failure !== undefined) throw failure;
    index.rewrite(changes, new Map([...marks, [file.name, { indexedTo: 0, seenSize: file.size }]]));
    unlinkSync(join(this.#dataFolder, file.name));
    syncFolder(this.#dataFolder);
    return true;
  }

  /** Copies some Blocks, as much as one write takes, from `at` on; undefined where one is damaged. */
  #copy(blocks: readonly (readonly [Uint8Array, Location])[], at: number): IndexRewrite[] | undefined {
    const { readers, hash } = this.#datadir.internals();
    const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
    const pieces: Uint8Array[] = [];
    const copied: { readonly digest: Uint8Array; readonly from: Location; readonly start: number }[] = [];
    let length = 0;
    for (let i = at; i < blocks.length && length < WRITE_SIZE; i++) {
      const [digest, from] = blocks[i] as readonly [Uint8Array, Location];
      const { codec, size, storedSize } = from;
      if (codec !== 'none' && codec !== 'zlib') return undefined;
      const stored = readers.read(from.file, from.offset, storedSize);
      const data = stored.length === storedSize ? decodeStored(stored, codec, size) : undefined;
      if (data === undefined || Buffer.compare(hash.digest(data), digest) !== 0) return undefined;
      const header = Buffer.allocUnsafe(headerSize);
      writeRecordHeader(header, 0, codec, storedSize, size, crc32(stored), digest);
      pieces.push(header, stored);
      copied.push({ digest, from, start: length + headerSize });
      length += headerSize + storedSize;
    }
    const { file, offset } = this.#writer.append(pieces);
    return copied.map(({ digest, from, start }) => ({ digest, from, to: { ...from, file, offset: offset + start } }));
  }

  close(): void {
    this.#writer.close();
  }
}
