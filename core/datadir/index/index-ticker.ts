import type { IndexBatch, LocatedBlocks, Location } from './index-types.ts';

/** Blocks that make a batch due: each batch is a run of the index, which is merged with others later. */
const DEFAULT_MAX_BLOCKS = 65_536;
/** Longest time that a Block stays out of the index, in milliseconds. */
const DEFAULT_INTERVAL_MS = 5000;
/** Where this many times the batch size waits, adding waits too. */
const BACKLOG = 2;

/** How far index updates were batched. */
export interface IndexBatching {
  /** Transactions committed. */
  readonly transactions: number;
  /** Blocks put by them. */
  readonly blocks: number;
  /** Most Blocks in one. */
  readonly largest: number;
  /** Blocks a transaction on average; 0 where there was none. */
  readonly blocksPerTransaction: number;
}

export interface IndexTickerOptions {
  /** Blocks that make a batch due. */
  readonly maxBlocks?: number;
  /** Milliseconds after which what waits is due. */
  readonly intervalMs?: number;
}

/** What waits for the index besides the Blocks that were added, which the committing code knows. */
export interface QueuedBatch {
  /** What is to be said of Blocks that the index has. */
  readonly notes: readonly (readonly [digest: Uint8Array, location: Location])[];
  readonly cachePuts: IndexBatch['cachePuts'];
}

/**
 * Gathers index updates, and commits them in batches: when enough wait, when the oldest has waited long enough, and
 * on flush. One batch is in progress at a time.
 */
export class IndexTicker {
  readonly #commit: (batch: QueuedBatch) => Promise<number>;
  readonly #maxBlocks: number;
  readonly #intervalMs: number;
  /** Blocks added that wait. */
  #added = 0;
  #notes: (readonly [Uint8Array, Location])[] = [];
  #cachePuts: (readonly [Uint8Array, Uint8Array])[] = [];
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #due = false;
  #transactions = 0;
  #committedBlocks = 0;
  #largest = 0;

  /**
   * @param commit - makes what was added durable, puts it into the index with the batch, and gives how many Blocks it was. Where
   * it rejects, what it could not keep comes back with the next batch
   */
  constructor(commit: (batch: QueuedBatch) => Promise<number>, options: IndexTickerOptions = {}) {
    this.#commit = commit;
    this.#maxBlocks = options.maxBlocks ?? DEFAULT_MAX_BLOCKS;
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
  }

  /** Blocks were added. */
  noteAdded(count: number): void {
    this.#added += count;
    if (this.#added >= this.#maxBlocks) this.#makeDue();
    else if (count > 0) this.#startTimer();
  }

  /** Queues what is to be said of a Block that the index has. The digest is kept, not copied. */
  addNote(digest: Uint8Array, location: Location): void {
    this.#notes.push([digest, location]);
    this.#startTimer();
  }

  /** Queues a value of the cache. Both are kept, not copied. */
  addCachePut(key: Uint8Array, value: Uint8Array): void {
    this.#cachePuts.push([key, value]);
    this.#startTimer();
  }

  /** Whether so much waits that adding should wait too. */
  get isBehind(): boolean {
    return this.#added >= BACKLOG * this.#maxBlocks;
  }

  /** Commits all that was queued before. */
  flush(): Promise<void> {
    const next = this.#running.catch(() => undefined).then(() => this.#commitQueued());
    this.#running = next;
    return next;
  }

  /** How far updates were batched so far. */
  batching(): IndexBatching {
    const transactions = this.#transactions;
    const blocks = this.#committedBlocks;
    return { transactions, blocks, largest: this.#largest, blocksPerTransaction: transactions === 0 ? 0 : blocks / transactions };
  }

  /** Stops the timer; what is queued stays queued. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#makeDue(), this.#intervalMs);
    this.#timer.unref();
  }

  #makeDue(): void {
    if (this.#due) return;
    this.#due = true;
    // A failure is not lost: the commit function keeps it, or what failed is in the next batch, which flush awaits.
    this.flush().catch(() => undefined);
  }

  async #commitQueued(): Promise<void> {
    this.stop();
    this.#due = false;
    const batch: QueuedBatch = { notes: this.#notes, cachePuts: this.#cachePuts };
    const added = this.#added;
    if (added === 0 && batch.notes.length === 0 && batch.cachePuts.length === 0) return;
    this.#notes = [];
    this.#cachePuts = [];
    this.#added = 0;
    let committed: number;
    try {
      committed = await this.#commit(batch);
    } catch (error) {
      this.#added += added;
      throw error;
    }
    this.#transactions++;
    this.#committedBlocks += committed;
    this.#largest = Math.max(this.#largest, committed);
  }

  /** Puts back what a commit could not keep, before all that was queued since. */
  requeue(batch: QueuedBatch): void {
    this.#notes = [...batch.notes, ...this.#notes];
    this.#cachePuts = [...batch.cachePuts, ...this.#cachePuts];
  }
}

/** What is to be said of Blocks that are there, and those that were added, as one. */
export function joinedBlocks(notes: QueuedBatch['notes'], added: LocatedBlocks): LocatedBlocks {
  if (notes.length === 0) return added;
  return {
    length: notes.length + added.length,
    *[Symbol.iterator]() {
      yield* notes;
      yield* added;
    },
  };
}
