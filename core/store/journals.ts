/** One file of a journal: records, of which their writer alone knows the meaning. It is this process's until it is removed or closed. */
export interface JournalFile {
  /** Octets of all records. */
  readonly size: number;
  /**
   * Appends a record, whole or not at all. It outlives a crash once `sync` has returned.
   *
   * @throws the system's error, as of a full disk
   */
  append(payload: Uint8Array): void;
  /** Makes what was appended durable. Those who call it at a time share one sync. */
  sync(): Promise<void>;
  /** Removes the file: what it holds is kept elsewhere by now. */
  remove(): Promise<void>;
  /** Leaves the file to whoever recovers it. */
  close(): Promise<void>;
}

/** A journal whose process is dead: nobody else has it as long as it is at hand. */
export interface LeftJournal {
  /** The readable records of each of its files, in the order of their making. */
  readonly files: readonly (readonly Uint8Array[])[];
  /** Appends a record to the last file, durably. */
  append(payload: Uint8Array): Promise<void>;
}

/** A file of a journal as it is now, whoever has it. */
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
  /** What the files of all journals hold, of living processes and of dead ones. */
  look(): Iterable<SeenJournal>;
}
