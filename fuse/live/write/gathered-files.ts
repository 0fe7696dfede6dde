/** Milliseconds between two checks whether clients keep the process busy. */
const LOOK_MS = 50;

/** Requests between two checks from which on the process counts as busy. */
const BUSY_REQUESTS = 20;

/** Consecutive quiet checks before storing: on a busy machine clients may pause for a moment. */
const QUIET_LOOKS = 4;

/** Checks after which files are stored even if clients are busy: ten seconds, less than the 30 seconds between two roots. */
const MAX_LOOKS = 200;

/** Files that wait, at most; and how many of them are stored together: each by itself would cost three times as much. */
const MAX_GATHERED = 2048;
const SLICE = 128;

/** Parameters of the gathered files. */
export interface GatheredFilesOptions<File> {
  /** Requests of clients so far. */
  readonly requests: () => number;
  /** Whether what waits takes so much memory that it has to be stored. */
  readonly isFull: () => boolean;
  /** Stores some together. `stored` is called afterwards. */
  readonly store: (files: readonly File[]) => void;
}

/**
 * Small files that were closed, and wait until the clients ask for little. They are read from memory meanwhile, and one that is removed
 * is never stored. So clients have the processor: what unpacks, reads or removes a tree does not wait for the Store.
 */
export class GatheredFiles<File> {
  readonly #options: GatheredFilesOptions<File>;
  readonly #files = new Set<File>();
  #timer: NodeJS.Timeout | undefined;
  #requests = 0;
  #looks = 0;
  #quietLooks = 0;
  #isStoring = false;

  constructor(options: GatheredFilesOptions<File>) {
    this.#options = options;
  }

  get size(): number {
    return this.#files.size;
  }

  add(file: File): void {
    this.#files.add(file);
    if (this.#isStoring) return;
    if (this.#files.size >= MAX_GATHERED) this.#storeSlice();
    else this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
  }

  delete(file: File): void {
    this.#files.delete(file);
  }

  /** What was given to `store` is stored, or has failed. */
  stored(): void {
    if (!this.#isStoring) return;
    this.#isStoring = false;
    if (this.#files.size > 0) this.#look();
    else this.#looks = this.#quietLooks = 0;
  }

  /** Stores nothing more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    const requests = this.#options.requests();
    this.#quietLooks = requests - this.#requests < BUSY_REQUESTS ? this.#quietLooks + 1 : 0;
    this.#requests = requests;
    this.#looks++;
    if (this.#quietLooks < QUIET_LOOKS && this.#looks < MAX_LOOKS && this.#files.size < MAX_GATHERED && !this.#options.isFull())
      this.#timer = setTimeout(() => this.#look(), LOOK_MS);
    else this.#storeSlice();
  }

  #storeSlice(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const slice: File[] = [];
    for (const file of this.#files) {
      slice.push(file);
      this.#files.delete(file);
      if (slice.length === SLICE) break;
    }
    this.#isStoring = slice.length > 0;
    if (this.#isStoring) this.#options.store(slice);
  }
}
