import type { Datadir } from '../datadir/datadir-store.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { DATAFILE_HEADER_SIZE, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { Entry } from './gc-entries.ts';
import { forEachEntry } from './gc-entries.ts';
import type { GcFile, GcFiles } from './gc-files.ts';
import type { GcMarks } from './gc-mark.ts';
import type { GcOptions } from './gc-options.ts';

/** The least share of a data file that rewriting it must free: copying costs too. */
const MIN_WASTE = 0.2;

/** How much of a data file is needed. `live` and `dead` count Blocks. */
export interface FileUse {
  readonly file: GcFile;
  /** Bytes on disk, without those freed in this run. */
  allocated: number;
  live: number;
  liveBytes: number;
  dead: number;
  deadBytes: number;
  /** Uncompressed bytes of the needed Blocks in its frames. `partBytes`: the same for all Blocks. */
  livePartBytes: number;
  partBytes: number;
  /** Bytes of frames per uncompressed byte, estimated: frames are charged to their Blocks by size. */
  frameShare: number;
}

/** How much of each data file is needed, and which files gc may change. */
export class GcSurvey {
  readonly #datadir: Datadir;
  readonly #marks: GcMarks;
  readonly #isPlan: boolean;
  readonly #oldMs: number;
  readonly #recordSize: number;
  readonly #uses = new Map<string, FileUse>();

  private constructor(datadir: Datadir, held: GcFiles, marks: GcMarks, { plan, now, graceMs }: GcOptions) {
    this.#datadir = datadir;
    this.#marks = marks;
    this.#isPlan = plan;
    this.#oldMs = now().getTime() - graceMs;
    this.#recordSize = RECORD_FIXED_SIZE + datadir.internals().hash.digestSize;
    for (const file of held.files) {
      const counts = { live: 0, liveBytes: 0, dead: 0, deadBytes: 0, livePartBytes: 0, partBytes: 0, frameShare: 0 };
      this.#uses.set(file.name, { file, allocated: file.allocated, ...counts });
    }
  }

  /** Reads the whole index. @param onAside - called with each unneeded Block that an earlier run set aside */
  static async make(
    datadir: Datadir,
    held: GcFiles,
    marks: GcMarks,
    options: GcOptions,
    onAside: (digest: Uint8Array) => void,
  ): Promise<GcSurvey> {
    const survey = new GcSurvey(datadir, held, marks, options);
    const note = (digest: Uint8Array, location: Location): void => {
      // This run sets nothing aside before the survey ends.
      if (survey.#note(digest, location) && location.isDamaged === true) onAside(digest);
    };
    await forEachEntry(datadir, options.signal, note);
    // In a plan, some entries may still wait outside the index.
    for (const [digest, location] of datadir.internals().index.rest()) note(digest, location);
    survey.#shareFrames();
    return survey;
  }

  /** Counts an entry. @returns whether the Block is unneeded */
  #note(digest: Uint8Array, location: Location): boolean {
    const use = this.#uses.get(location.file);
    if (use === undefined) return false;
    const partBytes = location.codec === 'part' ? location.size : 0;
    use.partBytes += partBytes;
    if (this.#marks.has(digest)) {
      use.livePartBytes += partBytes;
      use.live++;
      use.liveBytes += this.sizeOf(location);
      return false;
    }
    use.dead++;
    use.deadBytes += this.sizeOf(location);
    return true;
  }

  /** Bytes that belong to no record are frames. */
  #shareFrames(): void {
    for (const use of this.#uses.values()) {
      if (use.partBytes === 0) continue;
      use.frameShare = Math.min(1, Math.max(0, use.allocated - use.liveBytes - use.deadBytes) / use.partBytes);
      use.liveBytes += use.frameShare * use.livePartBytes;
      use.deadBytes += use.frameShare * (use.partBytes - use.livePartBytes);
    }
  }

  /** Bytes of a record, including its share of a frame. */
  sizeOf({ file, storedSize, size, codec }: Location): number {
    const frame = codec === 'part' ? size * (this.#uses.get(file)?.frameShare ?? 0) : 0;
    return Math.round(this.#recordSize + storedSize + frame);
  }

  /** Whether the index has seen a whole data file; if not, its Blocks would seem unneeded. A file without records is always known. */
  isKnown({ name, size }: GcFile): boolean {
    const { index } = this.#datadir.internals();
    const marks = this.#isPlan ? index.marks() : index.indexMarks();
    return size <= DATAFILE_HEADER_SIZE || marks.get(name)?.seenSize === size;
  }

  #mayChange(file: GcFile): boolean {
    return file.fd !== undefined && file.changedMs <= this.#oldMs && this.isKnown(file);
  }

  /** Whether there is something to free. */
  wouldFree(): boolean {
    return this.changeable().some(({ dead }) => dead > 0);
  }

  /** The data files that gc may change: old enough, indexed, and with no writer. */
  changeable(): FileUse[] {
    return [...this.#uses.values()].filter(({ file }) => this.#mayChange(file));
  }

  /** The data files that are worth copying. */
  worthCopying(): FileUse[] {
    return [...this.#uses.values()].filter(
      (use) => use.file.isLeftover || (this.#mayChange(use.file) && (use.liveBytes === 0 || this.isWorthIt(use, use.liveBytes))),
    );
  }

  /** Whether copying the remaining bytes of a data file frees enough. */
  isWorthIt({ allocated }: FileUse, stayingBytes: number): boolean {
    return allocated - stayingBytes >= MIN_WASTE * allocated;
  }

  /** The data file with the most unneeded bytes. @param besides - names of files to leave out */
  mostDead(besides: ReadonlySet<string>): FileUse | undefined {
    let most: FileUse | undefined;
    for (const use of this.#uses.values()) {
      if (use.dead === 0 || besides.has(use.file.name) || !this.#mayChange(use.file)) continue;
      if (most === undefined || use.deadBytes > most.deadBytes) most = use;
    }
    return most;
  }

  /** Notes freed entries of a data file. @param octets - bytes freed on disk */
  noteFreed(use: FileUse, going: readonly Entry[], octets: number): void {
    use.dead -= going.length;
    use.allocated -= octets;
    for (const [, location] of going) use.deadBytes -= this.sizeOf(location);
  }

  /** Counts the unneeded Blocks that are still there. */
  kept(): { readonly keptBlocks: number; readonly keptBytes: number } {
    let keptBlocks = 0;
    let keptBytes = 0;
    for (const { dead, deadBytes } of this.#uses.values()) {
      keptBlocks += dead;
      keptBytes += deadBytes;
    }
    return { keptBlocks, keptBytes: Math.max(0, keptBytes) };
  }
}
