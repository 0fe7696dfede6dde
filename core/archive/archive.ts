import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';

/** One recorded state of a tree. */
export interface ArchiveEntry extends ArchiveLine {
  /** 1 for the oldest readable entry. */
  readonly number: number;
  /** It was let go of, and its Blocks may be gone: it only tells what came before what. Its number is that of the entry before it. */
  readonly isForgotten?: true;
}

export interface EntriesOptions extends OpOptions {
  readonly onDamage?: (line: number, reason: string) => void;
}

export interface AllEntriesOptions extends EntriesOptions {
  /** Also give those that were forgotten, where the archive has kept them. */
  readonly withForgotten?: boolean;
}

/** A recorded state that a tree can become. */
export interface RecordedDir {
  /** When it was recorded; 0 for the empty tree before all. */
  readonly whenNs: bigint;
  readonly dirent: DirDirent;
}

/** The history of a named tree: append only, oldest first. */
export interface Archive {
  /** For messages: a path. */
  readonly name: string;
  /** The newest readable entry, read from the end of the file. Lines after it that cannot be read go to `onDamage`. */
  last(options?: OpOptions & { readonly onDamage?: (reason: string) => void }): Promise<ArchiveEntry | undefined>;
  /** All readable entries, oldest first. Damaged lines are passed over and reported to `onDamage`. */
  entries(options?: AllEntriesOptions): AsyncIterable<ArchiveEntry>;
  /** As `entries`, newest first and no further than is asked for. Of those that cannot do so all have to be read. */
  newestFirst?(options?: EntriesOptions): AsyncIterable<ArchiveEntry>;
  /**
   * Appends an entry, durably, under a lock that a dead process cannot hold. `decide` is called with the newest
   * entry while the lock is held, and gives what to append, or undefined to append nothing.
   */
  append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options?: OpOptions,
  ): Promise<ArchiveEntry | undefined>;
  /**
   * Where it can, at once: a text that is another whenever `last` may give another entry. Undefined where that cannot be told now.
   */
  stamp?(): string | undefined;
  /** Where it can: changes lines that are there. */
  readonly lines?: ArchiveLines;
  /**
   * Where it can: calls `onChange` soon after somebody, here or elsewhere, has recorded something. It may be called without a reason.
   *
   * @returns ends it
   */
  watch?(onChange: () => void): () => void;
}

/** An entry as it was when somebody decided what becomes of it: by its number and its time. */
export type SeenEntry = Pick<ArchiveEntry, 'number' | 'whenNs'>;

/** The same with its notes: what it was tagged with. */
export type MarkedEntry = SeenEntry & Pick<ArchiveEntry, 'notes'>;

/** Changes of lines of an archive, each made whole or not at all, under its lock. */
export interface ArchiveLines {
  /**
   * Lets go of entries that are not the newest: their lines become comments, so that nothing else moves and no room is needed. Entries
   * after one are numbered one less from then on.
   *
   * @throws {VtError} EFAILED for the newest entry, a protected one, one that got another tag meanwhile, and where others stand there meanwhile
   */
  drop(entries: readonly MarkedEntry[], options?: OpOptions): Promise<void>;
  /**
   * Gives an entry other notes.
   *
   * @throws {VtError} EFAILED where another stands there meanwhile
   */
  setNotes(entry: SeenEntry, change: (notes: ArchiveNotes | undefined) => ArchiveNotes, options?: OpOptions): Promise<void>;
}
