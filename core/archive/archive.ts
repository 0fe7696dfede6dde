import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';

/** One recorded state of a tree. */
export interface ArchiveEntry extends ArchiveLine {
  /** 1 for the oldest readable entry. */
  readonly number: number;
  /** It was dropped, and its Blocks may be deleted: it only shows the order of states. Its number is that of the entry before it. */
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
   * Where it can, at once: a text that is another whenever `last` may give another entry. Undefined where that is not known now.
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
   * Drops entries other than the newest. Their lines become comments, so no other line moves and no space is needed. Entries
   * after one are numbered one less from then on.
   *
   * @throws {VtError} EFAILED for the newest entry, a protected one, one whose tag has changed, and for entries that have been replaced
   */
  drop(entries: readonly MarkedEntry[], options?: OpOptions): Promise<void>;
  /**
   * Changes the notes of an entry.
   *
   * @throws {VtError} EFAILED if the entry has been replaced
   */
  setNotes(entry: SeenEntry, change: (notes: ArchiveNotes | undefined) => ArchiveNotes, options?: OpOptions): Promise<void>;
}
