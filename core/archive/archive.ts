import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';

/** One recorded state of a tree. */
export interface ArchiveEntry extends ArchiveLine {
  /** 1 for the oldest readable entry. */
  readonly number: number;
  /** The entry was dropped, and its Blocks may be deleted. It only shows the order of states, and has the number of the entry before it. */
  readonly isForgotten?: true;
}

export interface EntriesOptions extends OpOptions {
  readonly onDamage?: (line: number, reason: string) => void;
}

export interface AllEntriesOptions extends EntriesOptions {
  /** Include forgotten entries, if the archive still has their lines. */
  readonly withForgotten?: boolean;
}

/** A recorded state that a tree can become. */
export interface RecordedDir {
  /** When it was recorded, in nanoseconds since 1970; 0 for the empty tree before the first entry. */
  readonly whenNs: bigint;
  readonly dirent: DirDirent;
}

/** The history of a named tree: append only, oldest first. */
export interface Archive {
  /** Its path, for messages. */
  readonly name: string;
  /** The newest readable entry, read from the end of the file. Damaged lines after it are reported to `onDamage`. */
  last(options?: OpOptions & { readonly onDamage?: (reason: string) => void }): Promise<ArchiveEntry | undefined>;
  /** All readable entries, oldest first. Damaged lines are skipped and reported to `onDamage`. */
  entries(options?: AllEntriesOptions): AsyncIterable<ArchiveEntry>;
  /**
   * As `entries`, but newest first, and reads only as far as the caller takes entries. Absent if the archive cannot be read from its end.
   */
  newestFirst?(options?: EntriesOptions): AsyncIterable<ArchiveEntry>;
  /**
   * Appends an entry durably, under a lock that ends with its process. `decide` is called with the newest entry while the lock is held.
   * It returns the line to append, or undefined to append nothing.
   *
   * @returns the appended entry, or undefined
   */
  append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options?: OpOptions,
  ): Promise<ArchiveEntry | undefined>;
  /**
   * A text that changes whenever `last` may return another entry; undefined if that is unknown at present. Absent if it would have to wait.
   */
  stamp?(): string | undefined;
  /** Changes existing lines. Absent if the archive cannot. */
  readonly lines?: ArchiveLines;
  /**
   * Calls `onChange` soon after anybody has recorded a state, on this machine or another. It may also call it without a change. Absent if
   * the archive cannot.
   *
   * @returns a function that ends the watch
   */
  watch?(onChange: () => void): () => void;
}

/** Identifies the entry that a user chose: its number and time at that moment. */
export type SeenEntry = Pick<ArchiveEntry, 'number' | 'whenNs'>;

/** The same with its notes, which include its tags. */
export type MarkedEntry = SeenEntry & Pick<ArchiveEntry, 'notes'>;

/** Changes existing lines of an archive, under its lock. */
export interface ArchiveLines {
  /**
   * Drops entries other than the newest. Their lines become comments, so no other line moves and no disk space is needed. The numbers of
   * later entries decrease by one for each.
   *
   * @throws {VtError} EFAILED for the newest entry, for a protected one, for one with a new tag, and if another entry has the number now
   */
  drop(entries: readonly MarkedEntry[], options?: OpOptions): Promise<void>;
  /**
   * Changes the notes of an entry.
   *
   * @throws {VtError} EFAILED if another entry has the number now
   */
  setNotes(entry: SeenEntry, change: (notes: ArchiveNotes | undefined) => ArchiveNotes, options?: OpOptions): Promise<void>;
}
