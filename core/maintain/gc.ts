import { join } from 'node:path';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { isFullError } from '../base/system/full-error.ts';
import { DigestTable } from '../block/digest-table.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { madeAnewError } from '../datadir/index/block-index.ts';
import type { IndexRewrite, Location } from '../datadir/index/index-types.ts';
import { RESERVE_SIZES } from '../datadir/store-reserve.ts';
import { liveWriters } from '../datadir/writer-presence.ts';
import { DATAFILE_HEADER_SIZE, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { GcCopier } from './gc-copier.ts';
import { type GcFile, GcFiles } from './gc-files.ts';
import { GcMarks } from './gc-mark.ts';
import { dropInPlace, type Entry, partSize, roomOf, TIGHT_ROOM } from './gc-tight.ts';
import type { NeededRoot, RootsOptions } from './roots.ts';
import { storeRoots } from './roots.ts';

/** Index entries read at a time, and changed in one transaction where that does not matter. */
const STEP = 16_384;
/** A data file of which less than this share would be freed is left as it is: copying costs too. */
const MIN_WASTE = 0.2;
/** Octets that stay free where a data file is copied. */
const SPARE_ROOM = 4 * 1024 * 1024;
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
  /** Free everything where no archive has a root. */
  readonly rootless?: boolean;
  /** Archive files that lie elsewhere and have roots of this Store. */
  readonly moreArchives?: readonly string[];
  /** Roots that are needed and that no archive has to have. Asked for again when what nobody needs has been set aside. */
  readonly moreRoots?: () => Iterable<NeededRoot>;
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
  /** What of the roots cannot be read, and never will be: what it may have listed counts as needed by nobody. */
  readonly unreadable: readonly string[];
}

/** Blocks that the index takes at a time of what it had no room for. */
const REST_STEP = 4096;

interface FileUse {
  readonly file: GcFile;
  /** Octets that it takes on the disk, without those that were freed in it since. */
  allocated: number;
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
 *
 * Where there is little room, 2 to 4 are done for a part at a time, and what goes is freed where it lies (`gc-in-place.ts`).
 * A full disk gives the room that the Store keeps in reserve.
 */
export async function gc(datadir: Datadir, options: GcOptions): Promise<GcCounts> {
  const { reserve } = datadir.internals();
  try {
    return await collect(datadir, options, false);
  } catch (error) {
    if (options.plan || !isFullError(error)) throw error;
    reserve?.release('gc');
    return await collect(datadir, options, true);
  } finally {
    if (!options.plan) reserve?.fill();
  }
}

async function collect(datadir: Datadir, options: GcOptions, isFull: boolean): Promise<GcCounts> {
  const { path, index, reserve } = datadir.internals();
  if (!isFull) await datadir.flush();
  await index.ready(options.signal);
  // What a quota leaves is not told: then no more is counted on than what was kept in reserve.
  const room = (): number => Math.min(roomOf(path), isFull ? RESERVE_SIZES.gc / 2 : Number.POSITIVE_INFINITY);
  if (!options.plan && room() < 2 * RESERVE_SIZES.gc) reserve?.release('gc');
  // What the index does not know it cannot tell from what nobody needs: then nothing may go.
  if (!options.plan) await index.takeRest(REST_STEP);
  if (!options.plan && !index.isOpen) throw new VtError('EFAILED', `gc: the index of "${path}" cannot be opened; nothing was removed`);
  using collection = await Collection.make(datadir, options, room);
  if (options.plan) return collection.planned();
  await collection.freeWhileTight();
  await collection.freeByCopies();
  return collection.result();
}

/** One run of gc over a datadir. */
class Collection {
  readonly #datadir: Datadir;
  readonly #options: GcOptions;
  readonly #room: () => number;
  readonly #marks: GcMarks;
  readonly #held: GcFiles;
  readonly #recordSize: number;
  readonly #dataFolder: string;
  readonly #oldMs: number;
  /** Since which generation what an earlier gc set aside is: sessions that began since have not seen it as there. */
  readonly #asideGeneration: number;
  readonly #asideBefore: DigestTable;
  #uses = new Map<string, FileUse>();
  #sessions = 0;
  readonly #counts = { freedBlocks: 0, freedBytes: 0, copiedBytes: 0, droppedFiles: 0 };

  private constructor(datadir: Datadir, options: GcOptions, room: () => number, marks: GcMarks) {
    const { path, hash, index } = datadir.internals();
    this.#datadir = datadir;
    this.#options = options;
    this.#room = room;
    this.#marks = marks;
    this.#recordSize = RECORD_FIXED_SIZE + hash.digestSize;
    this.#dataFolder = join(path, 'data');
    this.#held = new GcFiles(this.#dataFolder, index.marks());
    this.#oldMs = options.now().getTime() - options.graceMs;
    this.#asideGeneration = Number(index.setting(ASIDE_SETTING) ?? Number.NaN);
    this.#asideBefore = new DigestTable(hash.digestSize);
  }

  /** Marks what is needed, and looks how much of each data file it is. */
  static async make(datadir: Datadir, options: GcOptions, room: () => number): Promise<Collection> {
    const { signal, onProgress } = options;
    const marks = new GcMarks(datadir, (rootsOptions) => neededRoots(datadir.path, options, rootsOptions), {
      signal,
      onProgress: ({ blocks }) => onProgress?.({ doing: 'mark', done: blocks }),
    });
    await marks.walk();
    const collection = new Collection(datadir, options, room, marks);
    try {
      await collection.#survey();
      if (options.rootless !== true && collection.#wouldFree()) marks.requireRoot();
    } catch (error) {
      collection.#held[Symbol.dispose]();
      throw error;
    }
    return collection;
  }

  #sizeOf({ storedSize }: Location): number {
    return this.#recordSize + storedSize;
  }

  async #survey(): Promise<void> {
    const uses = new Map<string, FileUse>();
    for (const file of this.#held.files)
      uses.set(file.name, { file, allocated: file.allocated, live: 0, liveBytes: 0, dead: 0, deadBytes: 0 });
    const note = (digest: Uint8Array, location: Location): void => {
      const use = uses.get(location.file);
      if (use === undefined) return;
      if (this.#marks.has(digest)) {
        use.live++;
        use.liveBytes += this.#sizeOf(location);
        return;
      }
      use.dead++;
      use.deadBytes += this.#sizeOf(location);
      // What this run sets aside comes later.
      if (location.isDamaged === true) this.#asideBefore.set(digest);
    };
    await forEachEntry(this.#datadir, this.#options.signal, note);
    // A plan leaves the index as it is.
    for (const [digest, location] of this.#datadir.internals().index.rest()) note(digest, location);
    this.#uses = uses;
  }

  #mayChange(file: GcFile): boolean {
    return file.fd !== undefined && file.changedMs <= this.#oldMs && this.#isKnown(file);
  }

  /** What the index has not seen of a data file it cannot tell from what nobody needs. A file without records has nothing to see. */
  #isKnown({ name, size }: GcFile): boolean {
    const { index } = this.#datadir.internals();
    const marks = this.#options.plan ? index.marks() : index.indexMarks();
    return size <= DATAFILE_HEADER_SIZE || marks.get(name)?.seenSize === size;
  }

  #wouldFree(): boolean {
    return [...this.#uses.values()].some(({ file, dead }) => dead > 0 && this.#mayChange(file));
  }

  /** The data files that are worth copying what stays of them. */
  #worthCopying(): FileUse[] {
    const worthIt = ({ file, allocated, liveBytes }: FileUse): boolean =>
      file.isLeftover || allocated - liveBytes >= MIN_WASTE * allocated || liveBytes === 0;
    return [...this.#uses.values()].filter((use) => use.file.isLeftover || (this.#mayChange(use.file) && worthIt(use)));
  }

  /** What would be done. */
  planned(): GcCounts {
    const counts = this.#counts;
    const isTight = this.#room() < TIGHT_ROOM;
    for (const use of isTight ? [...this.#uses.values()].filter(({ file }) => this.#mayChange(file)) : this.#worthCopying()) {
      counts.freedBlocks += use.dead;
      counts.freedBytes += Math.max(0, use.allocated - use.liveBytes);
      if (isTight) continue;
      counts.copiedBytes += use.liveBytes;
      counts.droppedFiles++;
    }
    const { path, ownWriter } = this.#datadir.internals();
    this.#sessions = liveWriters(path, ownWriter).length;
    return this.result();
  }

  /** Frees what nobody needs where it lies, until there is room for copies. */
  async freeWhileTight(): Promise<void> {
    if (this.#room() >= TIGHT_ROOM) return;
    const { hash, index } = this.#datadir.internals();
    const { signal, onProgress } = this.#options;
    const done = new Set<string>();
    for (;;) {
      throwIfCancelled(signal);
      const limit = partSize(this.#room(), hash.digestSize);
      if (this.#room() >= TIGHT_ROOM) return;
      const use = this.#mostDead(done);
      if (use === undefined) return;
      const { name } = use.file;
      const part = await this.#deadOf(name, limit);
      const mayGo = await this.#setAside(part);
      const going = part.filter(([digest]) => mayGo(digest));
      const freed = dropInPlace(this.#datadir, name, going);
      this.#noteFreed(use, going, freed);
      onProgress?.({ doing: 'free', done: this.#counts.freedBytes });
      // What a session at work may count on stays, and so does what its filesystem cannot free within a file.
      if (going.length < part.length || freed === 0) done.add(name);
      await index.compact();
    }
  }

  #mostDead(done: ReadonlySet<string>): FileUse | undefined {
    let most: FileUse | undefined;
    for (const use of this.#uses.values()) {
      if (use.dead === 0 || done.has(use.file.name) || !this.#mayChange(use.file)) continue;
      if (most === undefined || use.deadBytes > most.deadBytes) most = use;
    }
    return most;
  }

  /** What nobody needs of a data file, from its end on. */
  async #deadOf(file: string, limit: number): Promise<Entry[]> {
    const found: Entry[] = [];
    await forEachEntry(this.#datadir, this.#options.signal, (digest, location) => {
      if (location.file === file && !this.#marks.has(digest)) found.push([digest, location]);
    });
    return found.sort(([, a], [, b]) => b.offset - a.offset).slice(0, limit);
  }

  #noteFreed(use: FileUse, going: readonly Entry[], octets: number): void {
    use.dead -= going.length;
    use.allocated -= octets;
    for (const [, location] of going) use.deadBytes -= this.#sizeOf(location);
    this.#counts.freedBlocks += going.length;
    this.#counts.freedBytes += octets;
  }

  /** Copies what stays of data files to new ones, and drops the old ones. */
  async freeByCopies(): Promise<void> {
    const chosen = this.#worthCopying();
    if (chosen.length === 0) return;
    const { signal, onProgress } = this.#options;
    const counts = this.#counts;
    const names = new Set(chosen.map(({ file }) => file.name));
    const mayGo = await this.#setAside(this.#deadEntries(names));
    const copier = new GcCopier(this.#datadir, this.#dataFolder, this.#options);
    try {
      for (const group of groupsOf(chosen)) {
        throwIfCancelled(signal);
        const stays = new Map<string, Entry[]>(group.map(({ file }) => [file.name, []]));
        const goes = new Map<string, Entry[]>(group.map(({ file }) => [file.name, []]));
        await forEachEntry(
          this.#datadir,
          signal,
          (digest, location) => void (mayGo(digest) ? goes : stays).get(location.file)?.push([digest, location]),
        );
        for (const use of group) {
          throwIfCancelled(signal);
          const { file } = use;
          if (!this.#isKnown(file)) continue;
          const staying = stays.get(file.name) ?? [];
          const going = goes.get(file.name) ?? [];
          const stayingBytes = staying.reduce((sum, [, location]) => sum + this.#sizeOf(location), 0);
          if (staying.length > 0 && use.allocated - stayingBytes < MIN_WASTE * use.allocated) continue;
          if (staying.length > 0 && this.#room() < stayingBytes + SPARE_ROOM) {
            this.#noteFreed(use, going, dropInPlace(this.#datadir, file.name, going));
            continue;
          }
          if (!(await copier.replace(file, staying, going))) continue;
          this.#noteFreed(use, going, Math.max(0, use.allocated - stayingBytes));
          counts.copiedBytes += stayingBytes;
          counts.droppedFiles++;
          onProgress?.({ doing: 'free', done: counts.freedBytes });
        }
        await this.#datadir.internals().index.compact();
      }
    } finally {
      copier.close();
    }
  }

  async *#deadEntries(files: ReadonlySet<string>): AsyncGenerator<Entry, void, undefined> {
    for await (const entries of entrySteps(this.#datadir, this.#options.signal))
      for (const entry of entries) if (files.has(entry[1].file) && !this.#marks.has(entry[0])) yield entry;
  }

  /**
   * Sets entries aside that nobody reaches, begins a new generation of the Store, and looks who is at work.
   *
   * @returns tells of a Block whether it may go now
   */
  async #setAside(entries: Iterable<Entry> | AsyncIterable<Entry>): Promise<(digest: Uint8Array) => boolean> {
    const { path, index, ownWriter } = this.#datadir.internals();
    // Only sessions of the generation that begins below have surely seen this.
    const next = String(index.generation + 1);
    let changes: IndexRewrite[] = [];
    const put = async (): Promise<void> => {
      if (changes.length > 0) index.rewrite(changes, new Map(), { [ASIDE_SETTING]: next });
      changes = [];
      await index.compact();
    };
    for await (const [digest, location] of entries) {
      if (location.isDamaged === true) continue;
      changes.push({ digest, from: location, to: { ...location, isDamaged: true } });
      if (changes.length >= STEP) await put();
    }
    await put();
    index.beginGeneration();
    const live = liveWriters(path, ownWriter);
    this.#sessions = live.length;
    // Whoever ended before the look at the sessions has recorded its root.
    await this.#marks.walk();
    const sinceBefore = live.every(({ generation }) => generation >= this.#asideGeneration);
    return (digest) => !this.#marks.has(digest) && (live.length === 0 || (sinceBefore && this.#asideBefore.has(digest)));
  }

  /** What was done. */
  result(): GcCounts {
    let keptBlocks = 0;
    let keptBytes = 0;
    for (const { dead, deadBytes } of this.#uses.values()) {
      keptBlocks += dead;
      keptBytes += deadBytes;
    }
    return {
      ...this.#counts,
      roots: this.#marks.roots,
      liveBlocks: this.#marks.count,
      files: this.#held.files.length,
      keptBlocks,
      keptBytes: Math.max(0, keptBytes),
      sessions: this.#sessions,
      unreadable: this.#marks.unreadable,
    };
  }

  /** Gives up the locks of the data files. */
  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}

async function* neededRoots(
  storeFolder: string,
  { moreArchives, moreRoots }: GcOptions,
  options: RootsOptions,
): AsyncGenerator<NeededRoot, void, undefined> {
  yield* storeRoots(storeFolder, { ...options, ...(moreArchives === undefined ? {} : { moreArchives }) });
  yield* moreRoots?.() ?? [];
}

async function forEachEntry(
  datadir: Datadir,
  signal: AbortSignal | undefined,
  visit: (digest: Uint8Array, location: Location) => void,
): Promise<void> {
  for await (const entries of entrySteps(datadir, signal)) for (const [digest, location] of entries) visit(digest, location);
}

/** All that the index has, some at a time. */
async function* entrySteps(datadir: Datadir, signal: AbortSignal | undefined): AsyncGenerator<readonly Entry[], void, undefined> {
  const { index, path } = datadir.internals();
  index.refresh();
  for (let after: Uint8Array | undefined; ; ) {
    throwIfCancelled(signal);
    // One that was made anew does not know all yet: what it lacks would count as needed by nobody.
    if (index.isMadeAnew) throw madeAnewError(join(path, 'index'));
    const entries = index.entries(after, STEP);
    yield entries;
    after = entries.at(-1)?.[0];
    if (after === undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    index.refresh();
  }
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
