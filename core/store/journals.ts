/** One file of a journal, with opaque records. This process owns it until it is removed or closed. */
export interface JournalFile {
  /** Total octets of its records. */
  readonly size: number;
  /**
   * Appends a record, whole or not at all. It survives a crash once `sync` has resolved.
   *
   * @throws the system's error, for example if the disk is full
   */
  append(payload: Uint8Array): void;
  /** Makes all appended records durable. Concurrent calls share one sync. */
  sync(): Promise<void>;
  /** Removes the file, after its contents were stored elsewhere. */
  remove(): Promise<void>;
  /** Closes the file and leaves it for a recovery. */
  close(): Promise<void>;
}

/** The contents of a journal file. */
export interface JournalContent {
  /** The records before the first incomplete one. */
  readonly records: readonly Uint8Array[];
  /** Whether at most one record is incomplete: the one that was being written when the process died. */
  readonly isWhole: boolean;
}

/** A journal of a dead process. The receiver owns it while the callback runs. */
export interface LeftJournal {
  /** Its path in the Store, as `setAside` takes it. */
  readonly name: string;
  /** In the order of their creation. */
  readonly files: readonly JournalContent[];
  /** Appends a record to the last file, durably. */
  append(payload: Uint8Array): Promise<void>;
  /** Copies its files, durably, to the folder of journals that were set aside. @returns the folder's path in the Store */
  copyAside(): string;
}

/** The present state of a journal file, which another process may be writing. */
export interface SeenJournal {
  /** Its path in the Store. */
  readonly name: string;
  readonly records: readonly Uint8Array[];
}

/** What to do with a journal after its recovery: remove it if everything is stored elsewhere, or keep it. */
export type LeftOutcome = 'remove' | 'keep';

/** Journals with a Store, for data that must survive a crash before it is in Blocks. */
export interface StoreJournals {
  /** Whether there are no journals. */
  readonly isEmpty: boolean;
  /** Whether there are journals of dead processes. Waits while another process recovers them. */
  hasLeft(): Promise<boolean>;
  /**
   * Creates a file of a journal, which must not exist.
   *
   * @param id - the journal's UUID
   * @param number - the file's number, which must be greater than those before
   * @throws {VtError} EUNSUPPORTED if files cannot be locked
   */
  begin(id: string, number: number): JournalFile;
  /** Calls `each` for the journals of dead processes, one after the other. Another process that does the same waits. */
  recover(each: (journal: LeftJournal) => Promise<LeftOutcome>): Promise<void>;
  /**
   * Sets a dead process's journal aside: it is not recovered any more, and gc keeps nothing for it.
   *
   * @param name - as in {@link LeftJournal}
   * @returns the paths of its files in the Store
   * @throws {VtError} EFAILED if there is no such journal, or its process is alive
   */
  setAside(name: string): Promise<readonly string[]>;
  /** The paths, in the Store, of files that were set aside. */
  listAside(): readonly string[];
  /** Reads the files of all journals, of living and dead processes. */
  look(): Iterable<SeenJournal>;
}
