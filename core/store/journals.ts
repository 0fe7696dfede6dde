/** One file of a journal: records whose meaning only their writer knows. It is this process's until it is removed or closed. */
export interface JournalFile {
  /** Octets of all records. */
  readonly size: number;
  /**
   * Appends a record, whole or not at all. It outlives a crash once `sync` has returned.
   *
   * @throws the system's error, as of a full disk
   */
  append(payload: Uint8Array): void;
  /** Makes what was appended durable. Concurrent calls share one sync. */
  sync(): Promise<void>;
  /** Removes the file: what it holds is kept elsewhere by now. */
  remove(): Promise<void>;
  /** Leaves the file for a recovery. */
  close(): Promise<void>;
}

/** What a file of a journal holds. */
export interface JournalContent {
  /** Up to the first that is not whole. */
  readonly records: readonly Uint8Array[];
  /** Whether nothing follows but a record that was being written when its process died. */
  readonly isWhole: boolean;
}

/** A journal whose process is dead: nobody else has it as long as it is at hand. */
export interface LeftJournal {
  /** Its path in the Store, by which `setAside` knows it. */
  readonly name: string;
  /** In the order of their making. */
  readonly files: readonly JournalContent[];
  /** Appends a record to the last file, durably. */
  append(payload: Uint8Array): Promise<void>;
  /** Copies its files, durably, to where those are that were set aside. @returns the folder's path in the Store */
  copyAside(): string;
}

/** A file of a journal as it is now, also while another process writes it. */
export interface SeenJournal {
  /** Its path in the Store. */
  readonly name: string;
  readonly records: readonly Uint8Array[];
}

/** What became of a journal that was left: all of it is kept elsewhere, or it stays. */
export type LeftOutcome = 'remove' | 'keep';

/** A place beside a Store for what has to outlive a crash before it is in Blocks. */
export interface StoreJournals {
  /** Whether there is no journal at all. */
  readonly isEmpty: boolean;
  /** Whether there are journals of processes that are dead. Waits while another process recovers them. */
  hasLeft(): Promise<boolean>;
  /**
   * Makes the file of a journal, which must not be there.
   *
   * @param id - of the journal, a uuid
   * @param number - of the file: each is greater than those before
   * @throws {VtError} EUNSUPPORTED where files cannot be locked
   */
  begin(id: string, number: number): JournalFile;
  /** Hands over the journals of processes that are dead, one after the other. Another process that does so at the same time waits. */
  recover(each: (journal: LeftJournal) => Promise<LeftOutcome>): Promise<void>;
  /**
   * Sets a journal aside whose process is dead: nobody recovers it any more, and nothing is kept for its sake.
   *
   * @param name - as {@link LeftJournal} has it
   * @returns the paths of its files in the Store
   * @throws {VtError} EFAILED where there is no such journal, or its process lives
   */
  setAside(name: string): Promise<readonly string[]>;
  /** The paths, in the Store, of files that were set aside. */
  listAside(): readonly string[];
  /** What the files of all journals hold, of living processes and of dead ones. */
  look(): Iterable<SeenJournal>;
}
