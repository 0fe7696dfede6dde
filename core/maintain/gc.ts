import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { isFullError } from '../base/system/full-error.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { RESERVE_SIZES } from '../datadir/store-reserve.ts';
import { TRANSITION_FOLDER } from '../datadir/transition-end.ts';
import { GcAside } from './gc-aside.ts';
import { GcCopier } from './gc-copier.ts';
import type { Entry } from './gc-entries.ts';
import { entrySteps, forEachEntry } from './gc-entries.ts';
import { GcFiles } from './gc-files.ts';
import { GcMarks } from './gc-mark.ts';
import type { GcCounts, GcOptions } from './gc-options.ts';
import type { FileUse } from './gc-survey.ts';
import { GcSurvey } from './gc-survey.ts';
import { dropInPlace, partSize, roomOf, TIGHT_ROOM } from './gc-tight.ts';
import type { NeededRoot, RootsOptions } from './roots.ts';
import { archiveRoots } from './roots.ts';
import type { StoreView } from './store-view.ts';
import { viewOf } from './store-view.ts';

/** Bytes that must stay free while a data file is copied. */
const SPARE_ROOM = 4 * 1024 * 1024;
/** Index entries of the files that are handled in one pass over the index. */
const MAX_GROUP_BLOCKS = 400_000;
/** Entries per step when the index takes those for which it had no room before. */
const REST_STEP = 4096;

/**
 * Removes Blocks that no root of any archive reaches. It may be killed at any point, and neither readers nor writers have to stop, because
 * of this order:
 *
 * 1. Mark what the roots reach.
 *
 * 2. Set the other Blocks aside: they count as absent when they are added, but can still be read. Then begin a new generation of the Store,
 * which empties the caches of sessions.
 *
 * 3. Sessions that began earlier may have seen these Blocks as present. While there is one, what this run set aside stays. Mark the roots
 * that were recorded meanwhile.
 *
 * 4. Copy the needed Blocks of a data file to a new one, sync it, change the index in one transaction, and only then unlink the old file.
 *
 * With little free space, steps 2 to 4 are done part by part, and bytes are freed in place (`gc-in-place.ts`). On a full disk the Store's
 * reserve is used.
 */
export async function gc(datadir: Datadir, options: GcOptions): Promise<GcCounts> {
  const { path, reserve } = datadir.internals();
  // Remove an abandoned transition: if begun again, it finds everything but the Dirs in the map of names.
  if (!options.plan) rmSync(join(path, TRANSITION_FOLDER), { recursive: true, force: true });
  try {
    return await collect(datadir, options, false);
  } catch (error) {
    if (options.plan || !isFullError(error)) throw error;
    for (const use of ['gc', 'change'] as const) reserve?.release(use);
    return await collect(datadir, options, true).catch((again: unknown) => {
      throw isFullError(again) ? fullError(datadir.path, again) : again;
    });
  } finally {
    if (!options.plan) reserve?.fill();
  }
}

/** Not even the index can be changed, although the reserve was released. */
function fullError(path: string, cause: unknown): VtError {
  return new VtError('EFULL', `gc: the disk of "${path}" has no room for a change of the index`, {
    cause,
    remedy: 'remove a file of 2 MiB or more from that disk first',
  });
}

async function collect(datadir: Datadir, options: GcOptions, isFull: boolean): Promise<GcCounts> {
  const { path, index, reserve } = datadir.internals();
  if (!isFull) await datadir.flush();
  await index.ready(options.signal);
  // The system does not report the rest of a quota: rely only on the reserve then.
  const room = (): number => Math.min(roomOf(path), isFull ? RESERVE_SIZES.gc / 2 : Number.POSITIVE_INFINITY);
  if (!options.plan && room() < 2 * RESERVE_SIZES.gc) reserve?.release('gc');
  // Blocks that the index lacks would seem unneeded, so nothing is removed while it is incomplete.
  if (!options.plan) await index.takeRest(REST_STEP);
  if (!options.plan && !index.isOpen) throw new VtError('EFAILED', `gc: the index of "${path}" cannot be opened; nothing was removed`);
  using collection = await Collection.make(datadir, options, room);
  if (options.plan) return collection.planned();
  await collection.freeWhileTight();
  await collection.freeByCopies();
  return collection.result();
}

/** The parts of one run of gc. */
interface CollectionParts {
  readonly datadir: Datadir;
  readonly options: GcOptions;
  /** Gives the free bytes, as far as known. */
  readonly room: () => number;
  readonly marks: GcMarks;
  readonly held: GcFiles;
  readonly survey: GcSurvey;
  readonly aside: GcAside;
}

/** One run of gc over a datadir. */
class Collection {
  readonly #datadir: Datadir;
  readonly #options: GcOptions;
  readonly #room: () => number;
  readonly #marks: GcMarks;
  readonly #held: GcFiles;
  readonly #survey: GcSurvey;
  readonly #aside: GcAside;
  readonly #counts = { freedBlocks: 0, freedBytes: 0, copiedBytes: 0, droppedFiles: 0 };

  private constructor({ datadir, options, room, marks, held, survey, aside }: CollectionParts) {
    this.#datadir = datadir;
    this.#options = options;
    this.#room = room;
    this.#marks = marks;
    this.#held = held;
    this.#survey = survey;
    this.#aside = aside;
  }

  /** Marks the needed Blocks, and finds how much of each data file they are. */
  static async make(datadir: Datadir, options: GcOptions, room: () => number): Promise<Collection> {
    const { signal, onProgress, view = viewOf(datadir) } = options;
    const marks = new GcMarks(view, (rootsOptions) => neededRoots(view, options, rootsOptions), {
      signal,
      onProgress: ({ blocks }) => onProgress?.({ doing: 'mark', done: blocks }),
    });
    await marks.walk();
    const held = new GcFiles(join(datadir.path, 'data'), datadir.internals().index.marks());
    try {
      const aside = new GcAside(datadir, marks);
      const survey = await GcSurvey.make(datadir, held, marks, options, (digest) => aside.noteBefore(digest));
      if (options.rootless !== true && survey.wouldFree()) marks.requireRoot();
      return new Collection({ datadir, options, room, marks, held, survey, aside });
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  /** What a run would do. */
  planned(): GcCounts {
    const counts = this.#counts;
    const isTight = this.#room() < TIGHT_ROOM;
    for (const use of isTight ? this.#survey.changeable() : this.#survey.worthCopying()) {
      counts.freedBlocks += use.dead;
      counts.freedBytes += Math.max(0, use.allocated - use.liveBytes);
      if (isTight) continue;
      counts.copiedBytes += use.liveBytes;
      counts.droppedFiles++;
    }
    this.#aside.lookForSessions();
    return this.result();
  }

  /** Frees unneeded Blocks in place until there is room for copies. */
  async freeWhileTight(): Promise<void> {
    if (this.#room() >= TIGHT_ROOM) return;
    const { hash, index } = this.#datadir.internals();
    const { signal, onProgress } = this.#options;
    const done = new Set<string>();
    for (;;) {
      throwIfCancelled(signal);
      const limit = partSize(this.#room(), hash.digestSize);
      if (this.#room() >= TIGHT_ROOM) return;
      const use = this.#survey.mostDead(done);
      if (use === undefined) return;
      const { name } = use.file;
      const part = await this.#deadOf(name, limit);
      const mayGo = await this.#aside.set(part);
      const going = part.filter(([digest]) => mayGo(digest));
      const freed = dropInPlace(this.#datadir, name, going);
      this.#noteFreed(use, going, freed);
      onProgress?.({ doing: 'free', done: this.#counts.freedBytes });
      // A running session may rely on some Blocks, or the filesystem cannot free within a file: leave the file alone.
      if (going.length < part.length || freed === 0) done.add(name);
      await index.compact();
    }
  }

  /** Unneeded entries of a data file, starting at its end. */
  async #deadOf(file: string, limit: number): Promise<Entry[]> {
    const found: Entry[] = [];
    await forEachEntry(this.#datadir, this.#options.signal, (digest, location) => {
      if (location.file === file && !this.#marks.has(digest)) found.push([digest, location]);
    });
    return found.sort(([, a], [, b]) => b.offset - a.offset).slice(0, limit);
  }

  #noteFreed(use: FileUse, going: readonly Entry[], octets: number): void {
    this.#survey.noteFreed(use, going, octets);
    this.#counts.freedBlocks += going.length;
    this.#counts.freedBytes += octets;
  }

  /** Copies the needed Blocks of data files to new ones, and removes the old ones. */
  async freeByCopies(): Promise<void> {
    const chosen = this.#survey.worthCopying();
    if (chosen.length === 0) return;
    const { signal, onProgress } = this.#options;
    const counts = this.#counts;
    const names = new Set(chosen.map(({ file }) => file.name));
    const mayGo = await this.#aside.set(this.#deadEntries(names));
    const copier = new GcCopier(this.#datadir, join(this.#datadir.path, 'data'), this.#options);
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
          if (!this.#survey.isKnown(file)) continue;
          const staying = stays.get(file.name) ?? [];
          const going = goes.get(file.name) ?? [];
          const stayingBytes = staying.reduce((sum, [, location]) => sum + this.#survey.sizeOf(location), 0);
          if (staying.length > 0 && !this.#survey.isWorthIt(use, stayingBytes)) continue;
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

  /** What this run did. */
  result(): GcCounts {
    return {
      ...this.#counts,
      ...this.#survey.kept(),
      roots: this.#marks.roots,
      liveBlocks: this.#marks.count,
      files: this.#held.files.length,
      sessions: this.#aside.sessions,
      unreadable: this.#marks.unreadable,
    };
  }

  /** Releases the locks of the data files. */
  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}

async function* neededRoots(
  { store }: StoreView,
  { moreArchives, moreRoots }: GcOptions,
  options: RootsOptions,
): AsyncGenerator<NeededRoot, void, undefined> {
  yield* archiveRoots(store, { ...options, ...(moreArchives === undefined ? {} : { moreArchives }) });
  yield* moreRoots?.() ?? [];
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
