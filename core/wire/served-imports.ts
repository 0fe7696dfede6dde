import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import type { HashName } from '../block/hash.ts';
import { BlockIndex } from '../datadir/index/block-index.ts';
import type { ImportMemory, StoreNotes } from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';

/** With more unflushed octets of values than this, a flush is due. */
const MAX_WAITING_SIZE = 8 * 1024 * 1024;
const LAST_NOTE = Buffer.from('last note', 'latin1');
const GENERATION = 'generation';

type Value = readonly [key: Uint8Array, value: Uint8Array];

/** The folder of these records, and the Store that they belong to. */
export interface ServedImportsPlace {
  /** The folder of the records for all served Stores. */
  readonly folder: string;
  readonly storeName: string;
  readonly hashName: HashName;
}

/**
 * Records which local files put has stored in a served Store. The records are on this machine, in one folder per name
 * under which the Store is reached.
 *
 * Each flush with new values first leaves a note in the Store, which the Store drops when anything is removed from it.
 * The values are valid as long as the Store has the last note: the next session checks this with one request. A different Store,
 * or one restored to an earlier state, does not have the note.
 *
 * @see docs/design/peers.md, "Files that were put"
 */
export class ServedImports implements ImportMemory {
  readonly #place: ServedImportsPlace;
  readonly #notes: StoreNotes;
  readonly #instance: () => string;
  /** The server process that confirmed the note: while it runs, gc frees nothing that existed then. */
  #askedOf = '';
  #opening: Promise<void> | undefined;
  /** Undefined if it cannot be opened: then nothing is recorded. */
  #index: BlockIndex | undefined;
  /** Identifies the set of values that are valid together. */
  #generation = '';
  /** The note that vouches for them; undefined if there are no valid values. */
  #last: Uint8Array | undefined;
  #next: Uint8Array = randomBytes(NOTE_SIZE);
  #waiting: Value[] = [];
  #waitingSize = 0;
  /** Whether callers have received values. */
  #isCountedOn = false;
  #lost: VtError | undefined;

  /** @param instance - identifies the process that serves the Store at present */
  constructor(place: ServedImportsPlace, notes: StoreNotes, instance: () => string) {
    this.#place = place;
    this.#notes = notes;
    this.#instance = instance;
  }

  get isFull(): boolean {
    return this.#waitingSize > MAX_WAITING_SIZE;
  }

  async open(options?: OpOptions): Promise<void> {
    this.#opening ??= this.#open(options);
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #open(options?: OpOptions): Promise<void> {
    this.#index ??= openIndex(this.#place);
    const last = this.#index?.cacheGet(LAST_NOTE);
    if (last?.length === NOTE_SIZE && (await this.#notes.has(last, options))) {
      this.#last = Uint8Array.from(last);
      this.#askedOf = this.#instance();
      this.#generation = this.#index?.setting(GENERATION) ?? '';
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#last === undefined) return undefined;
    const value = this.#index?.cacheGet(key);
    this.#isCountedOn ||= value !== undefined;
    return value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    if (this.#index === undefined) return;
    this.#waiting.push([Uint8Array.from(key), Uint8Array.from(value)]);
    this.#waitingSize += key.length + value.length;
  }

  /**
   * Makes the values durable together with the Blocks that were added to the Store.
   *
   * @param flush - flushes the Store
   * @throws {VtError} EFAILED if Blocks that values referred to may have been removed between two server processes; from then on
   *   always
   */
  async flushWith(flush: () => Promise<void>, options?: OpOptions): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const waiting = this.#waiting.splice(0);
    const waitingSize = this.#waitingSize;
    this.#waitingSize = 0;
    const note = this.#next;
    try {
      if (waiting.length > 0) await this.#notes.add(note, options);
      await flush();
      if (waiting.length > 0 || this.#isCountedOn) await this.#writeAll(waiting, note, options);
    } catch (error) {
      this.#waiting = [...waiting, ...this.#waiting];
      this.#waitingSize += waitingSize;
      throw error;
    }
  }

  async #writeAll(waiting: readonly Value[], note: Uint8Array, options?: OpOptions): Promise<void> {
    const isKept = waiting.length > 0 && (await this.#notes.has(note, options));
    if (this.#last !== undefined && (await this.#notes.has(this.#last, options))) this.#askedOf = this.#instance();
    else {
      this.#last = undefined;
      if (this.#isCountedOn && this.#instance() !== this.#askedOf) throw this.#loss();
    }
    if (!isKept || this.#index === undefined) return;
    this.#next = randomBytes(NOTE_SIZE);
    try {
      if (this.#last === undefined) {
        this.#generation = randomBytes(NOTE_SIZE).toString('hex');
        this.#index.dropCache(GENERATION, this.#generation);
      }
      const cachePuts = [...waiting, [LAST_NOTE, note] as const];
      await this.#index.commit({ blocks: [], marks: new Map(), generation: this.#generation, cachePuts }, this.#index.id);
      this.#last = note;
      this.#askedOf = this.#instance();
    } catch {
      // Records that cannot be written are useless.
      this.close();
    }
  }

  #loss(): VtError {
    this.#lost = new VtError(
      'EFAILED',
      `put into Store "${this.#place.storeName}": Blocks that it had may have been removed there meanwhile`,
      {
        remedy: 'run the same command again in a new session',
      },
    );
    return this.#lost;
  }

  /** Stops recording. No other call may be pending. */
  close(): void {
    this.#index?.close();
    this.#index = undefined;
    this.#last = undefined;
  }
}

function openIndex({ folder, storeName, hashName }: ServedImportsPlace): BlockIndex | undefined {
  const storeId = createHash('sha256').update(storeName).digest('hex').slice(0, 32);
  const path = join(folder, storeId);
  const owner = { storeId, hashName };
  try {
    const found = BlockIndex.open(path, owner, PRIVATE_ACCESS);
    return typeof found === 'string' ? BlockIndex.makeAnew(path, owner, PRIVATE_ACCESS, undefined) : found;
  } catch {
    return undefined;
  }
}
